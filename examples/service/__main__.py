"""``python examples/service``: start the service, or manage its users; see ``--help``."""

from tracktion_service.main import main

if __name__ == "__main__":
    main()
