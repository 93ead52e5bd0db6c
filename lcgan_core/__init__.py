"""LcGAN (Karki, Cho, Ko; SPIE Medical Imaging 2020) as a paper that you run."""


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version

        return version("lcgan-core")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
