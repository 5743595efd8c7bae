"""A small shop of five services: what `./dev run --demo` shows."""
