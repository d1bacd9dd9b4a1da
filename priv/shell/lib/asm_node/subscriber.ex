# SPDX-License-Identifier: MIT
defmodule ASMNode.Subscriber do
  @moduledoc """
  A behaviour: a process that is called with the events of a run.

      defmodule Words do
        use ASMNode.Subscriber

        @impl true
        def init(parent), do: {:ok, {parent, 0}}

        @impl true
        def handle_event(event, {parent, n}),
          do: {:ok, {parent, n + length(String.split(ASMNode.text(event)))}}

        @impl true
        def handle_approval(%{subject: "Bash"}, state), do: {:deny, state}
        def handle_approval(_approval, state), do: {:allow, state}

        @impl true
        def handle_end(how, {parent, n}), do: send(parent, {how, n})
      end

  Under a supervisor it is given the stream and the argument of `init/1`:

      children = [{Words, {ASMNode.stream(:claude, "hello"), self()}}]
      Supervisor.start_link(children, strategy: :one_for_one)

  Events are asked for when those before have been handled. The process ends when the run does, with
  reason `:normal`; with `{:asm_error, error}` when it lost the run before that. A supervisor does not
  restart one that would start another run (`:temporary`), but one that attaches to a run if it
  ended with an error (`:transient`).

      iex> defmodule Count do
      ...>   use ASMNode.Subscriber
      ...>   def init(parent), do: {:ok, {parent, 0}}
      ...>   def handle_event(_event, {parent, n}), do: {:ok, {parent, n + 1}}
      ...>   def handle_end(how, {parent, n}), do: send(parent, {how, n})
      ...> end
      iex> {:ok, _} = Supervisor.start_link([{Count, {ASMNode.stream(:codex, "count:100"), self()}}], strategy: :one_for_one)
      iex> receive do {:done, n} -> n >= 100 end
      true
  """

  @typedoc "how it ended: the run is over; it was lost; this process was told to end"
  @type how :: :done | {:error, map} | {:stopped, term}

  @callback init(args :: term) :: {:ok, state :: term} | {:error, reason :: term}
  @callback handle_event(ASMNode.event(), state :: term) :: {:ok, term} | {:stop, term}
  @doc "An approval that the run waits for, after `handle_event/2` had it; `:later`: others answer."
  @callback handle_approval(approval :: map, state :: term) ::
              {:allow | :deny | :later, state :: term}
  @doc "Any other message to the process."
  @callback handle_info(term, state :: term) :: {:ok, term} | {:stop, term}
  @doc "Called once, at the end."
  @callback handle_end(how, state :: term) :: term

  @optional_callbacks handle_approval: 2, handle_info: 2, handle_end: 2

  defmacro __using__(_opts) do
    quote do
      @behaviour ASMNode.Subscriber

      @doc false
      def child_spec({stream, args}),
        do: ASMNode.Subscriber.child_spec(__MODULE__, __MODULE__, stream, args)

      defoverridable child_spec: 1
    end
  end

  @doc "Opens the stream and calls `module` with its events; `:name` in `opts` registers the process."
  @spec start_link(module, ASMNode.Stream.t(), term, name: atom) :: GenServer.on_start()
  def start_link(module, %ASMNode.Stream{source: source}, args, opts \\ []) do
    case Keyword.fetch(opts, :name) do
      {:ok, name} -> :asm_subscriber.start_link({:local, name}, module, source, args)
      :error -> :asm_subscriber.start_link(module, source, args)
    end
  end

  @doc "For more than one of the same module under a supervisor."
  @spec child_spec(term, module, ASMNode.Stream.t(), term) :: Supervisor.child_spec()
  def child_spec(id, module, %ASMNode.Stream{source: source}, args),
    do: :asm_subscriber.child_spec(id, module, source, args)
end
