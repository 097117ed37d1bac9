"""Ask the Hugging Face hub once whether it answers; its own client tries again for most of a minute."""

PATIENCE = 5  # seconds
WEIGHTS = "model.safetensors"


def keep_to_cache_without_hub(repository: str) -> None:
    """Let this process take weights from the hub's cache alone, where the hub does not answer."""
    from huggingface_hub import constants

    if not hub_answers(repository):
        constants.HF_HUB_OFFLINE = True


def hub_answers(repository: str) -> bool:
    """Tell whether the hub says anything about a repository, be it that it is not there."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.errors import HfHubHTTPError

    try:
        get_hf_file_metadata(hf_hub_url(repository, WEIGHTS), timeout=PATIENCE)
    except HfHubHTTPError:
        return True
    except Exception:  # which one depends on the HTTP library that the hub's client uses
        return False
    return True
