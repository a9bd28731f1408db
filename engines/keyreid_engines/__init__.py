"""KeyRe-ID compiled for the machine it runs on."""
