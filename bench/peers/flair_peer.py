"""Flair's `TextClassifier` over `DocumentRNNEmbeddings`.

Words are embedded by `OneHotEmbeddings`, Flair's trainable table. Of a document, `DocumentRNNEmbeddings` keeps the
outputs at the first and the last word, both directions of each; Flair offers no other pooling of a recurrent layer.

Chosen for speed: no reprojection of the words, no gradient clipping, embeddings not stored after a batch, no
evaluation, nothing saved.

    python flair_peer.py DOCUMENTS.npz EPOCHS THREADS
"""

import tempfile
import time

from exchange import BATCH, EMBEDDING, HIDDEN, LEARNING_RATE, arguments


def main() -> None:
    """Train, and report each epoch."""
    documents, epochs, threads, report = arguments()
    import torch
    from flair.data import Corpus, Sentence
    from flair.datasets import FlairDatapointDataset
    from flair.embeddings import DocumentRNNEmbeddings, OneHotEmbeddings
    from flair.models import TextClassifier
    from flair.trainers import ModelTrainer
    from flair.trainers.plugins import TrainerPlugin

    torch.set_num_threads(threads)

    class Stopwatch(TrainerPlugin):
        """Times each epoch from its first batch to its last; Flair evaluates and saves after that."""

        @TrainerPlugin.hook
        def before_training_epoch(self, **_: object) -> None:
            self.began = time.perf_counter()

        @TrainerPlugin.hook
        def metric_recorded(self, record) -> None:
            if tuple(record.name) == ("train", "loss"):
                self.loss = float(record.value)

        @TrainerPlugin.hook
        def after_training_epoch(self, epoch: int, **_: object) -> None:
            report.epoch(epoch, time.perf_counter() - self.began, documents.tokens, self.loss)

    sentences = [Sentence(documents.words(index)) for index in range(len(documents))]
    for sentence, target in zip(sentences, documents.targets, strict=True):
        sentence.add_label("topic", str(target))
    corpus = Corpus(train=FlairDatapointDataset(sentences), sample_missing_splits=False)
    embeddings = DocumentRNNEmbeddings(
        [OneHotEmbeddings.from_corpus(corpus, min_freq=1, embedding_length=EMBEDDING)],
        hidden_size=HIDDEN,
        rnn_type="LSTM",
        bidirectional=True,
        reproject_words=False,
        dropout=0.0,
    )
    labels = corpus.make_label_dictionary("topic")
    classifier = TextClassifier(embeddings, label_type="topic", label_dictionary=labels)
    with tempfile.TemporaryDirectory() as folder:
        ModelTrainer(classifier, corpus).train(
            folder,
            learning_rate=LEARNING_RATE,
            mini_batch_size=BATCH,
            max_epochs=epochs,
            optimizer=torch.optim.Adam,
            max_grad_norm=None,
            attach_default_scheduler=False,
            embeddings_storage_mode="none",
            use_final_model_for_eval=True,
            save_final_model=False,
            create_file_logs=False,
            create_loss_file=False,
            plugins=[Stopwatch()],
        )


if __name__ == "__main__":
    main()
