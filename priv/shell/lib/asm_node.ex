# SPDX-License-Identifier: MIT
defmodule ASMNode do
  @moduledoc """
  asmd from Elixir.

      iex> {:ok, result} = ASMNode.query(:codex, "say hello")
      iex> result.text
      "You asked: say hello It has 2 word(s). I am a stand-in without a model."
      iex> ASMNode.stream(:codex, "count:3") |> ASMNode.texts() |> Enum.take(2)
      ["event 1 ", "event 2 "]

  A face of the Erlang module `:asm`, which it is compiled with: functions have the names of what the
  daemon exports; `stream/3` and `attach/3` make an `Enumerable` of a run's events. Callback modules
  for events are `ASMNode.Subscriber`s, and `ASMNode.Session` keeps a session under a supervisor.

  The daemon's node is the one given with `ASMNode.node/1` in this process, else the environment
  `:node` of application `:asm` (`config :asm, node: :"asmd@vm"`), else `asmd` on this host.

  Answers come as the daemon gives them, as structs of Elixir's ASM: `ASM.Result`, `ASM.Event`. In a
  project without ASM they are maps that are used in the same way. What fails is `{:error, error}`
  with an `ASMNode.Error`, an exception whose message says what to do next; `unwrap!/1` raises it, and
  streams do.

      iex> ASMNode.start_session(provider: :codex, run_deadline_ms: -1) |> ASMNode.unwrap!()
      ** (ASMNode.Error) [config/config_invalid] option run_deadline_ms: -1 is not valid, expected a positive number of milliseconds or infinity
  """

  import Kernel, except: [node: 0, node: 1]

  @typedoc "a session's pid or id"
  @type session :: pid | String.t()
  @typedoc "a session; or a provider: then a session is made for the one run"
  @type target :: session | atom
  @type run_id :: String.t()
  @type opts :: keyword | map
  @type event :: %{
          required(:kind) => atom,
          required(:payload) => map,
          required(:run_id) => run_id,
          required(:session_id) => String.t(),
          required(:sequence) => pos_integer,
          optional(atom) => term
        }
  @type result :: %{
          required(:text) => String.t(),
          required(:run_id) => run_id,
          required(:session_id) => String.t(),
          optional(atom) => term
        }
  @type error :: {:error, ASMNode.Error.t()}

  @doc "The daemon's node."
  @spec node() :: node
  def node, do: :asm.node()

  @doc "Sets the daemon's node for this process."
  @spec node(node) :: :ok
  def node(node), do: :asm.node(node)

  # --- sessions

  @doc """
  A conversation with an agent.

  It is a process of the daemon's node, which can be monitored and linked. `:provider` says which
  agent; with `:owner`, a pid, it ends when that process does.

      iex> {:ok, session} = ASMNode.start_session(provider: :claude)
      iex> ASMNode.health(session)
      :healthy
      iex> {:ok, %{text: "You asked: hello" <> _}} = ASMNode.query(session, "hello")
      iex> ASMNode.cost(session)
      %{cost_usd: 2.75e-4, input_tokens: 10, output_tokens: 9}
      iex> ASMNode.stop_session(session)
      :ok
  """
  @spec start_session(opts) :: {:ok, pid} | error
  def start_session(opts \\ []), do: opts |> :asm.start_session() |> answer()

  @doc "Ends a session and its runs."
  @spec stop_session(session) :: :ok | error
  def stop_session(session), do: session |> :asm.stop_session() |> answer()

  @spec session_info(session) :: {:ok, map} | error
  def session_info(session), do: session |> :asm.session_info() |> answer()

  @doc "`nil` for a session that is not there."
  @spec session_id(session) :: String.t() | nil | error
  def session_id(session), do: session |> :asm.session_id() |> answer()

  @spec list_sessions() :: [map] | error
  def list_sessions, do: answer(:asm.list_sessions())

  @spec health(session) :: :healthy | {:unhealthy, :not_alive | :not_found} | error
  def health(session), do: session |> :asm.health() |> answer()

  @doc "What the session's runs have cost so far."
  @spec cost(session) :: map | error
  def cost(session), do: session |> :asm.cost() |> answer()

  # --- runs

  @doc """
  Runs a prompt to its end; the run's own deadline bounds the wait.

      iex> {:ok, result} = ASMNode.query(:claude, "hello")
      iex> {result.text, result.stop_reason}
      {"You asked: hello It has 1 word(s). I am a stand-in without a model.", "end_turn"}
      iex> {:error, error} = ASMNode.query(:codex, "fail:3")
      iex> Exception.message(error)
      "[transport/transport_error] Codex CLI exited with code 3: stand-in: failed as asked"
  """
  @spec query(target, IO.chardata(), opts) :: {:ok, result} | error
  def query(target, prompt, opts \\ [])
  def query(target, prompt, []), do: answer(:asm.query(target, prompt))
  def query(target, prompt, opts), do: answer(:asm.query(target, prompt, opts))

  @doc """
  Starts a run and returns.

  This process, or the one in option `:subscriber`, gets a message `{:asm_run_event, run_id, event}`
  for each event and `{:asm_run_done, run_id}` at the end; `{:asm_run_lagged, run_id, error}` before
  the end if it was too slow. `stream/3` does all of this for you.

      iex> {:ok, run} = ASMNode.submit(:codex, "hello")
      iex> receive do {:asm_run_event, ^run, event} -> {event.sequence, event.kind} end
      {1, :run_started}
  """
  @spec submit(target, IO.chardata(), opts) :: {:ok, run_id} | error
  def submit(target, prompt, opts \\ [])
  def submit(target, prompt, []), do: answer(:asm.submit(target, prompt))
  def submit(target, prompt, opts), do: answer(:asm.submit(target, prompt, opts))

  @doc "Events of a run from now on come to this process as well, as with `submit/3`."
  @spec subscribe(session, run_id) :: :ok | error
  def subscribe(session, run_id), do: answer(:asm.subscribe(session, run_id))

  @doc "Events of a run from now on come to `pid` as well."
  @spec subscribe(session, run_id, pid) :: :ok | error
  def subscribe(session, run_id, pid), do: answer(:asm.subscribe(session, run_id, pid))

  @doc """
  Events from `:from` on (`:first`, `:now` or the sequence of an event) come to `pid`.

  What has been and then what comes, each once; `missing` is how many of them are not kept any more.
  """
  @spec subscribe(session, run_id, pid, opts) :: {:ok, map} | error
  def subscribe(session, run_id, pid, opts),
    do: answer(:asm.subscribe(session, run_id, pid, opts))

  @doc """
  `n` more events of a run may come to this process, which is its subscriber.

  From the first call on only as many come as were asked for, and the run waits for a subscriber that
  wants none, as `max_lag_bytes` of `asmd.conf(5)` allows. What is left comes when the run is over.
  Streams do this.
  """
  @spec demand(session, run_id, 1..1_000_000) :: :ok | error
  def demand(session, run_id, n), do: answer(:asm.demand(session, run_id, n))

  @spec unsubscribe(session, run_id) :: :ok | error
  def unsubscribe(session, run_id), do: answer(:asm.unsubscribe(session, run_id))

  @spec unsubscribe(session, run_id, pid) :: :ok | error
  def unsubscribe(session, run_id, pid), do: answer(:asm.unsubscribe(session, run_id, pid))

  @spec interrupt(session, run_id) :: :ok | error
  def interrupt(session, run_id), do: answer(:asm.interrupt(session, run_id))

  # --- what runs have said

  @doc """
  Active runs, then finished ones, the newest first.

  Options `:prefix`, `:session`, `:state` (`:active`, `:finished`, `:all`), `:limit`.
  """
  @spec list_runs(opts) :: {:ok, %{runs: [map], total: integer}} | error
  def list_runs(opts \\ []), do: answer(:asm.list_runs(opts))

  @doc """
  What is known of a run, and its `result`.

      iex> {:ok, result} = ASMNode.query(:codex, "hello")
      iex> {:ok, info} = ASMNode.run_info(result.run_id)
      iex> {info.status, info.missing}
      {:completed, 0}
  """
  @spec run_info(run_id) :: {:ok, map} | error
  def run_info(run_id), do: answer(:asm.run_info(run_id))

  @doc """
  Events that a run has said, at most `:max_bytes` of them, from `:from` on.

  They are the `page`; `next` is where the next one begins. A stream of all of them is `attach/3`.
  """
  @spec run_events(run_id, opts) :: {:ok, map} | error
  def run_events(run_id, opts \\ []), do: answer(:asm.run_events(run_id, opts))

  # --- streams

  @doc """
  The events of a run as an `Enumerable`, see `ASMNode.Stream`.

  The run begins when the stream is used, once for each use.

      iex> ASMNode.stream(:codex, "count:2") |> Enum.map(& &1.kind) |> List.last()
      :result
  """
  @spec stream(target, IO.chardata(), opts) :: ASMNode.Stream.t()
  def stream(target, prompt, opts \\ []),
    do: %ASMNode.Stream{source: :asm.stream(target, prompt, opts)}

  @doc """
  The events of a run that is there already, or was: from its first on, or those after `:from`.

      iex> {:ok, session} = ASMNode.start_session(provider: :codex)
      iex> {:ok, result} = ASMNode.query(session, "count:2")
      iex> ASMNode.attach(session, result.run_id) |> ASMNode.texts() |> Enum.to_list()
      ["event 1 ", "event 2 "]
  """
  @spec attach(session, run_id, opts) :: ASMNode.Stream.t()
  def attach(session, run_id, opts \\ []),
    do: %ASMNode.Stream{source: :asm.attach(session, run_id, opts)}

  @doc """
  The assistant's words out of a stream of events, as they come.

  Of a run that fails the words before come, then the failure is raised.

      iex> ASMNode.stream(:codex, "hello") |> ASMNode.texts() |> Enum.join()
      "You asked: hello It has 1 word(s). I am a stand-in without a model."
  """
  @spec texts(Enumerable.t()) :: Enumerable.t()
  def texts(events), do: events |> Elixir.Stream.map(&text/1) |> Elixir.Stream.reject(&(&1 == ""))

  @doc "The assistant's text of a result or of one event, empty if it has none; the error event raises."
  @spec text({:ok, result} | result | event) :: String.t()
  def text(result_or_event), do: raising(fn -> :asm.text(result_or_event) end)

  @doc "Prints what a run says while it says it."
  @spec print(ASMNode.Stream.t()) :: :ok
  def print(%ASMNode.Stream{source: source}), do: raising(fn -> :asm.print(source) end)

  # --- approvals, and runs that stop and go on

  @doc "What runs of the session wait for."
  @spec approvals(session) :: {:ok, [map]} | error
  def approvals(session), do: answer(:asm.approvals(session))

  @spec approve(session, String.t(), :allow | :deny) :: :ok | error
  def approve(session, approval_id, decision),
    do: answer(:asm.approve(session, approval_id, decision))

  @spec pause(session, run_id) :: :ok | error
  def pause(session, run_id), do: answer(:asm.pause(session, run_id))

  @doc "Where the session can go on from."
  @spec checkpoint(session) :: {:ok, map | nil} | error
  def checkpoint(session), do: answer(:asm.checkpoint(session))

  @doc "A run that goes on from the checkpoint; its events come as with `submit/3`."
  @spec resume_run(session, IO.chardata(), opts) :: {:ok, run_id, pid | :queued} | error
  def resume_run(session, prompt, opts \\ []),
    do: answer(:asm.resume_run(session, prompt, opts))

  @doc "Interrupts a run and goes on with another prompt; events come as with `submit/3`."
  @spec intervene(session, run_id, IO.chardata(), opts) :: {:ok, run_id, pid | :queued} | error
  def intervene(session, run_id, prompt, opts \\ []),
    do: answer(:asm.intervene(session, run_id, prompt, opts))

  # --- providers, nodes, the daemon

  @doc """
  How a run of a provider would be executed; options `:lane` and `:execution_mode`.

      iex> {:ok, how} = ASMNode.resolve(:codex)
      iex> how.lane
      :core
  """
  @spec resolve(atom, opts) :: {:ok, map} | error
  def resolve(provider, opts \\ []), do: answer(:asm.resolve(provider, opts))

  @spec lane_info(atom, opts) :: {:ok, map} | error
  def lane_info(provider, opts \\ []), do: answer(:asm.lane_info(provider, opts))

  @doc "`provider_info/1` of all providers."
  @spec provider_info() :: {:ok, [map]} | error
  def provider_info, do: answer(:asm.provider_info())

  @doc "What a provider can do, and which options it takes."
  @spec provider_info(atom) :: {:ok, map} | error
  def provider_info(provider), do: answer(:asm.provider_info(provider))

  @doc """
  Which providers could run beside the daemon: path and version of each CLI, or the problem.

      iex> {:ok, providers} = ASMNode.providers()
      iex> Enum.map(providers, & &1.provider)
      [:amp, :antigravity, :claude, :codex, :cursor]
  """
  @spec providers() :: {:ok, [map]} | error
  def providers, do: answer(:asm.providers())

  @spec providers(atom) :: {:ok, [map]} | error
  def providers(provider), do: answer(:asm.providers(provider))

  @doc "Whether a node can host runs; options `:provider` and `:cwd`."
  @spec doctor(node, opts) :: {:ok, [map]} | error
  def doctor(node, opts \\ []), do: answer(:asm.doctor(node, opts))

  @spec status() :: {:ok, map} | error
  def status, do: answer(:asm.status())

  @doc "What the daemon counts, as `asmctl metrics` shows it."
  @spec metrics() :: {:ok, [map]} | error
  def metrics, do: answer(:asm.metrics())

  @doc "The configuration in force, and where each setting was given. Needs the right control."
  @spec config() :: {:ok, map} | error
  def config, do: answer(:asm.config())

  # --- answers

  @doc """
  The value of `{:ok, value}`, and raises what is in `{:error, error}`.

      iex> ASMNode.status() |> ASMNode.unwrap!() |> Map.fetch!(:node) == ASMNode.node()
      true
      iex> ASMNode.stop_session("elsewhere") |> ASMNode.unwrap!()
      ** (ASMNode.Error) [runtime/unknown] no session <<"elsewhere">>; list_sessions shows those there are
  """
  @spec unwrap!({:ok, value} | :ok | error) :: value | :ok when value: term
  def unwrap!({:ok, value}), do: value
  def unwrap!(:ok), do: :ok
  def unwrap!({:error, %ASMNode.Error{} = error}), do: raise(error)

  defp answer({:error, failure}), do: {:error, ASMNode.Error.new(failure)}
  defp answer(answer), do: answer

  defp raising(fun) do
    fun.()
  rescue
    error in ErlangError -> ASMNode.Error.reraise(error, __STACKTRACE__)
  end
end
