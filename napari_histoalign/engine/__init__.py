"""The run: read, embed, store, score; resumable and cancellable, without Qt."""
