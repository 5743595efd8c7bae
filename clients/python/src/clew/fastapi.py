"""FastAPI: `clew.fastapi.init_app(app)`."""
from .starlette import init_app

__all__ = ["init_app"]
