"""The commands of Pasture; installed as the package ``pasture``, run by ``pasture COMMAND``."""
