"""The dock's tabs: each puts boxes together and wires them to those who know what to do."""
