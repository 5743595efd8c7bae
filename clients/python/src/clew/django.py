"""Django: put "clew.django.Middleware" first in MIDDLEWARE; options of `serving.Serving` may stand in settings.CLEW."""
from __future__ import annotations

import inspect
from typing import Any, Callable

from . import serving


class Middleware:
    """Gives each request its ids and goal, echoes X-Request-ID, serves health and metrics; sync and async."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        from django.conf import settings
        self._get_response = get_response
        self._serving = serving.Serving(**getattr(settings, "CLEW", {}))
        self._is_async = inspect.iscoroutinefunction(get_response)
        if self._is_async:
            _mark_coroutine(self)

    def __call__(self, request: Any) -> Any:
        own = self._serving.own_answer(request.method, request.path)
        if self._is_async:
            return self._answer_async(request, own)
        if own is not None:
            return _own_response(own)
        served = self._begin(request)
        try:
            response = self._get_response(request)
        except BaseException as error:
            served.error = error
            served.end(500)
            raise
        return _finished(request, served, response)

    async def _answer_async(self, request: Any, own: Any) -> Any:
        if own is not None:
            return _own_response(own)
        served = self._begin(request)
        try:
            response = await self._get_response(request)
        except BaseException as error:
            served.error = error
            served.end(500)
            raise
        return _finished(request, served, response)

    def process_exception(self, request: Any, exception: BaseException) -> None:
        """A view raised: Django makes the answer, the reason is ours to keep."""
        served = getattr(request, "clew", None)
        if served is not None:
            served.error = exception

    def _begin(self, request: Any) -> serving.Request:
        served = self._serving.begin(request.method, request.path, request.headers.items(),
                                     request.META.get("REMOTE_ADDR", ""))
        request.clew = served
        return served


def _finished(request: Any, served: serving.Request, response: Any) -> Any:
    for name, value in served.response_headers:
        response[name] = value
    match = getattr(request, "resolver_match", None)
    served.end(response.status_code, "/" + match.route if match is not None else "")
    return response


def _own_response(own: serving.OwnAnswer) -> Any:
    from django.http import HttpResponse
    return HttpResponse(own.body, status=own.status, content_type=own.content_type)


def _mark_coroutine(middleware: Any) -> None:
    """Tells Django that calling the middleware gives a coroutine."""
    try:
        from asgiref.sync import markcoroutinefunction
    except ImportError:  # before asgiref 3.6
        import asyncio.coroutines
        middleware._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]
    else:
        markcoroutinefunction(middleware)
