"""Whatever colours and transparency an image of 8 bits has: RGB over a background."""

from PIL import Image

STRIP = 1 << 20  # pixels laid over the background at once


def to_rgb(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Return an image in mode RGB, the background behind what is transparent; one in RGB is handed back as it is."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if "transparency" in image.info or "A" in image.getbands() or "a" in image.getbands():
        return _lay_over(image, background)
    return image.convert("RGB")


def _lay_over(image: Image.Image, background: tuple[int, int, int]) -> Image.Image:
    """Compose strip by strip: at once it would take four times the image's memory.

    An image that is clear everywhere would be nothing but background: its alpha is a channel that some program left
    empty, and is passed over, as browsers do with such BMP and ICO files.
    """
    flat = Image.new("RGB", image.size)
    rows = max(1, STRIP // image.width)
    visible = False
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        strip = image.crop(box).convert("RGBA")
        visible = visible or strip.getextrema()[3][1] > 0
        canvas = Image.new("RGBA", strip.size, (*background, 255))
        flat.paste(Image.alpha_composite(canvas, strip).convert("RGB"), box)
    return flat if visible else _without_alpha(image)


def _without_alpha(image: Image.Image) -> Image.Image:
    opaque = image.copy()
    opaque.info.pop("transparency", None)
    return opaque.convert("RGB")
