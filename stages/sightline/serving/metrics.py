"""What Prometheus reads at /metrics."""

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128)
TENTHS = tuple(number / 10 for number in range(1, 11))
# what alerts ask for counts from 0: Prometheus sees no increase in a series that begins with 1
ALARMING = {
    "errors": ("busy", "internal", "too_slow"),
    "loads": ("taken", "refused"),
    "steps_back": ("errors", "latency"),
}


class Metrics:
    """The counters of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        # kept by their labels, since to look one up there costs ten times what counting does
        self._requests = cache(self._make(Counter, "requests", "answers", ["endpoint", "status"]).labels)
        self.errors = self._make(Counter, "errors", "refused or failed, by kind", ["code"])
        self.seconds = self._make(
            Histogram,
            "seconds",
            "decode, queue: of an image; model: of a batch; total: of a request",
            ["part"],
            SECONDS,
        )
        self.decode, self.queue, self.run, self.total = map(self.seconds.labels, ("decode", "queue", "model", "total"))
        self.batches = self._make(Histogram, "batch_images", "images in one run of the model", [], BATCHES)
        self._predicted = cache(self._make(Counter, "predictions", "images by predicted class", ["class"]).labels)
        self.confidence = self._make(Histogram, "confidence", "highest probability of an image", [], TENTHS)
        self.abstentions = self._make(Counter, "abstentions", "images below min_confidence", [])
        self.waiting = self._make(Gauge, "images_waiting", "images accepted and not answered", [])
        self.dropped = self._make(Counter, "log_dropped", "lines of the prediction log that were not written", [])
        self.model = self._make(Gauge, "model", "1 for the model that answers", ["version", "sha256", "revision"])
        self.candidate = self._make(
            Gauge, "candidate", "as model, of the second one", ["version", "sha256", "revision"]
        )
        self.rollout_share = self._make(Gauge, "rollout_share", "that the second model answers now; 0: it rests", [])
        self.steps_back = self._make(Counter, "rollout_steps_back", "of the second model, by reason", ["reason"])
        self.arm_answers = self._make(Counter, "arm_answers", "answers by arm of a rollout", ["arm", "status"])
        self.arm_seconds = self._make(Histogram, "arm_seconds", "of a request, by arm of a rollout", ["arm"], SECONDS)
        self.shadow = self._make(Counter, "shadow", "images for the shadow: same, differs, failed, dropped", ["result"])
        self.loads = self._make(Counter, "model_loads", "new models taken, or refused", ["result"])
        for name, labels in ALARMING.items():
            for label in labels:
                getattr(self, name).labels(label)

    def page(self) -> bytes:
        """Return the text that Prometheus reads."""
        return generate_latest(self.registry)

    def observe_request(self, endpoint: str, status: int, seconds: float) -> None:
        """Count what was answered."""
        self._requests(endpoint, status).inc()
        self.total.observe(seconds)

    def observe_batch(self, images: int, seconds: float, waited: list[float]) -> None:
        """Count a run of the model: its images, its seconds, how long each item waited before it."""
        self.batches.observe(images)
        self.run.observe(seconds)
        for wait in waited:
            self.queue.observe(wait)

    def observe_answer(self, answer: dict) -> None:
        """Count what was told of one image."""
        self._predicted(answer["class"]).inc()
        self.confidence.observe(answer["probability"])
        if not answer["decided"]:
            self.abstentions.inc()

    def _make(self, kind: type, name: str, text: str, labels: list[str], buckets: tuple | None = None):
        options = {"buckets": buckets} if buckets else {}
        return kind(f"sightline_{name}", text, labels, registry=self.registry, **options)
