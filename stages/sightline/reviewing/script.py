"""What the review's page does by itself: it counts the choices, and saves them as a table."""

SCRIPT = """
const table = JSON.parse(document.getElementById("rows").textContent);
const cards = [...document.querySelectorAll("article")];
const at = name => table.columns.indexOf(name);
const quoted = text => /[",\\n\\r]/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;

function look() {
  const counts = {};
  cards.forEach(card => {
    const action = card.querySelector(".action").value;
    card.className = action;
    card.querySelector(".label").hidden = action !== "relabel";
    counts[action || "undecided"] = (counts[action || "undecided"] || 0) + 1;
  });
  document.getElementById("counts").textContent =
    Object.entries(counts).map(([action, count]) => count + " " + action).join(", ");
}

function csv() {
  const who = document.getElementById("who").value.trim();
  const rows = table.data.map((row, place) => {
    const filled = [...row];
    filled[at("action")] = cards[place].querySelector(".action").value;
    filled[at("label")] = cards[place].querySelector(".label").value;
    filled[at("who")] = who;
    return filled;
  });
  return [table.columns, ...rows].map(row => row.map(quoted).join(",")).join("\\n") + "\\n";
}

document.querySelector("main").addEventListener("change", look);
document.getElementById("save").addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], {type: "text/csv"}));
  link.download = "review.csv";
  link.click();
});
look();
"""
