"""Parts of the dock: they show values and emit signals, and know neither the viewer nor the engine."""
