"""Configuration of the page on which people watch what play.py plays. No heavy import."""

from __future__ import annotations

from dataclasses import dataclass

from legged_gym.utils.errors import ConfigError


@dataclass
class PageCfg:
    """Where the page is."""

    port: int = 8080
    """Port of the page; where it is taken, the next one that is free. Also --viser.port."""
    host: str = "127.0.0.1"
    """Address the page is bound to; 0.0.0.0 opens it to the network, whose people can then do all that it can."""
    share: bool = False
    """Show a button that makes a public link to the page, over a server of viser's makers."""

    def check(self) -> None:
        """Refuse values that no page can have.

        Raises:
            ConfigError: Names the field, its value and what is right.
        """
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"viser.port is {self.port}; it must be between 0 (any free port) and 65535")
        if not self.host:
            raise ConfigError("viser.host is empty; it must be an address, such as 127.0.0.1 or 0.0.0.0")


@dataclass
class ViserCfg(PageCfg):
    """The viewer's page. It needs the extra `viewer`."""

    enable: bool = False
    """play.py opens the page and plays until it is interrupted; training opens none."""
