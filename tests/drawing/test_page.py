"""Pages that open anywhere: what is escaped, and what stands out."""

from sightline.drawing.page import paragraph, table, whole_page


def test_rows_and_sentences_stand_out_only_where_it_is_asked_for():
    assert table(("", "why"), [("a", "b"), ("c", "d")], long="why", bad=[False, True]) == (
        "<div><table><thead><tr><th></th><th>why</th></tr></thead><tbody>"
        '<tr><td>a</td><td class="text">b</td></tr><tr class="bad"><td>c</td><td class="text">d</td></tr>'
        "</tbody></table></div>"
    )
    assert "class" not in table(("", "why"), [("a", "b")])


def test_a_page_has_its_own_style_and_script_behind_the_common_ones():
    page = whole_page("a < b", [paragraph("c & d"), paragraph("e", "good")], "td { color: red }", "run()")
    assert "<title>a &lt; b</title>" in page
    assert '<p>c &amp; d</p>\n<p class="good">e</p>\n<script>run()</script>\n</body>' in page
    assert page.index("td { color: red }") > page.index("td.text")
    assert "<script>" not in whole_page("a", [])
