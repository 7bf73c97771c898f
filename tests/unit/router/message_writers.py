"""Stores that a test holds back or looks into."""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from typing import TypeVar
from uuid import UUID

from angarium.domain.message import Message
from angarium.ports.messages import MessageWriter, Receipt, ReceiptOutcome, StoreOutcome

Answer = TypeVar("Answer")


class HeldCall:
    """A call that has neither taken effect nor been answered."""

    def __init__(
        self,
        conversation_id: UUID,
        answer: Callable[[], None],
        fail: Callable[[Exception, bool], None],
    ) -> None:
        self.conversation_id = conversation_id
        self.answer = answer
        self._fail = fail

    def fail(self, error: Exception, after_effect: bool = False) -> None:
        self._fail(error, after_effect)


class HeldMessageWriter:
    """Applies each call, and answers it, when the test says so."""

    def __init__(self, inner: MessageWriter) -> None:
        self._inner = inner
        self._at_once = False
        self.held: list[HeldCall] = []

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: Future[Collection[UUID]] | None = None,
    ) -> Future[tuple[StoreOutcome, ...]]:
        return self._hold(
            conversation_id, lambda: self._inner.record(conversation_id, messages, online)
        )

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> Future[tuple[ReceiptOutcome, ...]]:
        return self._hold(
            conversation_id, lambda: self._inner.mark_delivered(conversation_id, receipts)
        )

    def answer(self, conversation_id: UUID | None = None) -> None:
        """Answer what is held, of one conversation or of all."""
        calls, self.held = self.held, []
        for call in calls:
            if conversation_id in (None, call.conversation_id):
                call.answer()
            else:
                self.held.append(call)

    def answer_from_now_on(self) -> None:
        """Answer what is held, and what comes as soon as it comes."""
        self._at_once = True
        self.answer()

    def _hold(self, conversation_id: UUID, call: Callable[[], Future[Answer]]) -> Future[Answer]:
        if self._at_once:
            return call()
        future: Future[Answer] = Future()

        def fail(error: Exception, after_effect: bool) -> None:
            if after_effect:
                call()
            future.set_exception(error)

        self.held.append(
            HeldCall(conversation_id, lambda: future.set_result(call().result(0)), fail)
        )
        return future


class Watched:
    """Notes what each call hands over, and that no conversation is in
    two calls at once.

    Attributes:
        calls: The texts of the messages, or the ids of the receipts, of
            each call.
    """

    def __init__(self, inner: MessageWriter) -> None:
        self._inner = inner
        self._under_way: set[UUID] = set()
        self.calls: list[list[object]] = []

    def record(
        self,
        conversation_id: UUID,
        messages: Sequence[Message],
        online: Future[Collection[UUID]] | None = None,
    ) -> Future[tuple[StoreOutcome, ...]]:
        self._note(conversation_id, [message.content for message in messages])
        return self._watch(conversation_id, self._inner.record(conversation_id, messages, online))

    def mark_delivered(
        self, conversation_id: UUID, receipts: Sequence[Receipt]
    ) -> Future[tuple[ReceiptOutcome, ...]]:
        self._note(conversation_id, [receipt.message_id for receipt in receipts])
        return self._watch(conversation_id, self._inner.mark_delivered(conversation_id, receipts))

    def _note(self, conversation_id: UUID, contents: list[object]) -> None:
        assert conversation_id not in self._under_way, "a conversation is in two calls at once"
        assert contents, "an empty call"
        self._under_way.add(conversation_id)
        self.calls.append(contents)

    def _watch(self, conversation_id: UUID, future: Future[Answer]) -> Future[Answer]:
        future.add_done_callback(lambda _: self._under_way.discard(conversation_id))
        return future
