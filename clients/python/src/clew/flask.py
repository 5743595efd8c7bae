"""Flask: `clew.flask.init_app(app)`."""
from __future__ import annotations

from typing import Any

from . import wsgi


def init_app(app: Any, **options: Any) -> None:
    """Wraps the application in `wsgi.Middleware` and names requests by their route. Options as `serving.Serving`."""
    import flask

    def name_route() -> None:
        if flask.request.url_rule is not None:
            flask.request.environ[wsgi.ROUTE] = flask.request.url_rule.rule

    def note_error(sender: Any, exception: BaseException, **more: Any) -> None:
        flask.request.environ[wsgi.ERROR] = exception

    app.before_request(name_route)
    flask.got_request_exception.connect(note_error, app, weak=False)
    app.wsgi_app = wsgi.Middleware(app.wsgi_app, **options)
