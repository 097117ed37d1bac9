"""The loop that learns without labels: two views of each image, all epochs, nothing hidden."""

from collections.abc import Callable
from itertools import islice

import torch
from tqdm import tqdm

from sightline.common.errors import SightlineError
from sightline.pretraining.judge import advise, spread
from sightline.pretraining.run import MEMBER, Learning, PretrainRun
from sightline.training.batches import steps_per_epoch
from sightline.training.loop import normalized
from sightline.training.recipe.optim import peak_rate
from sightline.training.run import Position, Streams

Scores = dict[str, float]
Judge = Callable[[], Scores]  # what the backbone is worth now


def learn(learning: Learning, judge: Judge, run: PretrainRun) -> list[Scores]:
    """Make all epochs, or those that are left of an interrupted run; return each one's scores, the start's first."""
    chosen = run.params.pretrain
    images = learning.images
    history, position = go_on(learning, run)
    if not history:
        history.append({"epoch": 0, **judge()})
        say(history[-1], chosen.epochs)
    steps = steps_per_epoch(len(images), chosen.batch_size)
    done = (len(history) - 1) * steps + (position.step if position else 0)
    size = chosen.batch_size
    with tqdm(
        initial=done * size, total=chosen.epochs * steps * size, desc="pretrain", unit="img", disable=None
    ) as progress:
        for epoch in range(len(history) - 1, chosen.epochs):
            scores = learn_epoch(learning, history, epoch, position, run, progress)
            position = None
            history.append({"epoch": epoch + 1, **scores, **judge()})
            say(history[-1], chosen.epochs)
            if advice := advise(scores["spread"]):
                tqdm.write(advice)
            save(learning, history, None, run)
    return history


def learn_epoch(
    learning: Learning, history: list[Scores], epoch: int, position: Position | None, run: PretrainRun, progress: tqdm
) -> Scores:
    """Make one pass over the images, or the rest of one; return first learning rate, mean loss and spread."""
    images = learning.images
    size = run.params.pretrain.batch_size
    streams = Streams(run, epoch)
    lr, seen = streams.go_to(position) if position else (peak_rate(learning.optimizer), [])
    learning.learner.train()
    steps = steps_per_epoch(len(images), size)
    order = torch.randperm(len(images), generator=streams.order)
    first = position.step if position else 0
    for step, batch in islice(enumerate(order[: steps * size].split(size)), first, None):
        seen.append(update(learning, images.take(batch), streams.images, run))
        progress.update(size)
        if run.stop.noted:
            save(learning, history, streams.position(step + 1, lr, seen), run)
            raise SightlineError(
                f"pretrain: interrupted in epoch {epoch + 1} after step {step + 1}; `make pretrain` goes on from there"
            )
    loss, spreads = torch.stack(seen).T
    refuse_infinite(loss, epoch)
    return {"lr": lr, "loss": loss.mean().item(), "spread": spreads.mean().item()}


def update(learning: Learning, pixels: torch.Tensor, generator: torch.Generator, run: PretrainRun) -> torch.Tensor:
    """Change the weights once, by two views of each image of a batch; return loss and spread of the embeddings."""
    views = [run.views.draw(pixels, generator) for _ in range(2)]
    first, second = (normalized(images, learning.classifier, learning.layout) for images in views)
    with run.accelerator.autocast():
        loss, embeddings = learning.learner(first, second)
    run.accelerator.backward(loss)
    learning.optimizer.step()
    learning.schedule.step()
    learning.learner.after_update(learning.schedule.last_epoch, learning.updates)
    learning.optimizer.zero_grad()
    return torch.stack([loss.detach().float(), spread(embeddings)])


def go_on(learning: Learning, run: PretrainRun) -> tuple[list[Scores], Position | None]:
    """Load the saved state where there is one; return the epochs' scores, and where in an epoch it stands."""
    saved = run.resume.load(MEMBER)
    if saved is None:
        return [], None
    learning.load_state_dict(saved["learning"])
    position = Position(**saved["position"]) if saved["position"] else None
    history = saved["history"]
    where = f", step {position.step}" if position else ""
    tqdm.write(f"pretrain: goes on after epoch {len(history) - 1}{where}")
    return history, position


def save(learning: Learning, history: list[Scores], position: Position | None, run: PretrainRun) -> None:
    """Save what the rest depends on."""
    place = vars(position) if position else None
    run.resume.save(MEMBER, {"learning": learning.state_dict(), "history": history, "position": place})


def say(scores: Scores, epochs: int) -> None:
    """Print a line above the progress bar."""
    told = "  ".join(f"{name} {value:.4g}" for name, value in scores.items() if name not in ("epoch", "lr"))
    tqdm.write(f"epoch {scores['epoch']}/{epochs}  {told}")


def refuse_infinite(losses: torch.Tensor, epoch: int) -> None:
    """Raise SightlineError where a loss of an epoch is not finite, naming epoch and step, counted from 0."""
    wrong = torch.nonzero(~torch.isfinite(losses))
    if len(wrong):
        raise SightlineError(
            f"pretrain: the loss became {losses[wrong[0]].item()} in epoch {epoch}, step {int(wrong[0])}: lower "
            f"pretrain.lr, lengthen pretrain.warmup_epochs, or raise pretrain.temperature"
        )
