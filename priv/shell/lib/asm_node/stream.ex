# SPDX-License-Identifier: MIT
defmodule ASMNode.Stream do
  @moduledoc """
  The events of a run as an `Enumerable`: what `ASMNode.stream/3` and `ASMNode.attach/3` give.

      iex> events = ASMNode.stream(:claude, "count:3")
      iex> for %{kind: :assistant_message} = event <- events, do: event.sequence
      [3, 4, 5]

  It is lazy: a run begins when the stream is used, and each use is a run of its own. Events come in
  the order of the daemon, through a process that belongs to the stream: nothing arrives in, or stays
  behind in, the mailbox of who uses it. Who stops early (`Enum.take/2`, `Stream.take_while/2`, an
  exception) is unsubscribed; the run goes on, unless `on_halt: :interrupt` ends it:

      iex> {:ok, session} = ASMNode.start_session(provider: :claude)
      iex> [%{run_id: run}] = ASMNode.stream(session, "hang", on_halt: :interrupt) |> Enum.take(1)
      iex> match?({:error, _}, ASMNode.interrupt(session, run))
      true
      iex> ASMNode.query(session, "the next") |> ASMNode.text()
      "You asked: the next It has 2 word(s). I am a stand-in without a model."

  The stream ends when the run does; how that was, the last events tell. When the daemon or
  the connection to it is lost, or events that nobody keeps, it raises an `ASMNode.Error`.
  """

  @enforce_keys [:source]
  defstruct [:source]

  @type t :: %__MODULE__{source: :asm_stream.stream()}

  defimpl Enumerable do
    def reduce(%{source: source}, {:cont, acc}, fun) do
      case :asm_stream.open(source) do
        {:ok, reader} -> go(reader, [], {:cont, acc}, fun)
        {:error, failure} -> raise ASMNode.Error.new(failure)
      end
    end

    def reduce(_stream, {:halt, acc}, _fun), do: {:halted, acc}

    def reduce(stream, {:suspend, acc}, fun),
      do: {:suspended, acc, &reduce(stream, &1, fun)}

    def count(_stream), do: {:error, __MODULE__}
    def member?(_stream, _value), do: {:error, __MODULE__}
    def slice(_stream), do: {:error, __MODULE__}

    defp go(reader, _events, {:halt, acc}, _fun) do
      :asm_stream.close(reader)
      {:halted, acc}
    end

    defp go(reader, events, {:suspend, acc}, fun),
      do: {:suspended, acc, &go(reader, events, &1, fun)}

    defp go(reader, [], {:cont, acc}, fun) do
      case :asm_stream.next(reader) do
        {:ok, events} ->
          go(reader, events, {:cont, acc}, fun)

        :done ->
          :asm_stream.close(reader)
          {:done, acc}

        {:error, failure} ->
          :asm_stream.close(reader)
          raise ASMNode.Error.new(failure)
      end
    end

    defp go(reader, [event | events], {:cont, acc}, fun),
      do: go(reader, events, call(reader, event, acc, fun), fun)

    defp call(reader, event, acc, fun) do
      fun.(event, acc)
    catch
      kind, reason ->
        :asm_stream.close(reader)
        :erlang.raise(kind, reason, __STACKTRACE__)
    end
  end
end
