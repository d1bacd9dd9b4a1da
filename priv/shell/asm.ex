# SPDX-License-Identifier: MIT
defmodule ASMNode do
  @moduledoc """
  asmd from iex.

      iex> c "priv/shell/asm.ex"
      iex> ASMNode.query(:codex, "say hello")

  Every function calls its namesake on the daemon's node. The node is the one given with
  `ASMNode.node/1` in this process, else the environment `:node` of application `:asm`, else asmd on
  this host. Answers come as the daemon gives them; a daemon that cannot be reached is an error of
  the same shape as its own.
  """

  import Kernel, except: [node: 0, node: 1]

  @call_timeout_ms 15_000

  @typedoc "a session's pid or id; where a provider is given, a session is made for the one run"
  @type session :: pid | String.t()
  @type target :: session | atom
  @type opts :: keyword | map
  @type error :: {:error, map}

  @doc "The daemon's node."
  @spec node() :: Kernel.node()
  def node, do: Process.get({__MODULE__, :node}) || Application.get_env(:asm, :node) || here()

  @doc "Sets it for this process."
  @spec node(Kernel.node()) :: :ok
  def node(node) when is_atom(node) do
    Process.put({__MODULE__, :node}, node)
    :ok
  end

  @spec start_session(opts) :: {:ok, pid} | error
  def start_session(opts \\ []), do: call(:start_session, [opts])

  @spec stop_session(session) :: :ok | error
  def stop_session(session), do: call(:stop_session, [session])

  @spec session_info(session) :: {:ok, map} | error
  def session_info(session), do: call(:session_info, [session])

  @doc "`nil` for a session that is not there."
  @spec session_id(session) :: String.t() | nil | error
  def session_id(session), do: call(:session_id, [session])

  @spec list_sessions() :: [term] | error
  def list_sessions, do: call(:list_sessions, [])

  @spec health(session) :: :healthy | {:unhealthy, term} | error
  def health(session), do: call(:health, [session])

  @spec cost(session) :: map | error
  def cost(session), do: call(:cost, [session])

  @doc "Runs a prompt to its end; the run's own deadline bounds the wait."
  @spec query(target, String.t(), opts) :: {:ok, map} | error
  def query(target, prompt, opts \\ []), do: call(:query, [target, prompt, opts], :infinity)

  @doc """
  Starts a run and prints its events until it is done.

  With `:subscriber` in `opts` it returns at once, and that process gets
  `{:asm_run_event, run_id, event}` and at the end `{:asm_run_done, run_id}`.
  """
  @spec stream(target, String.t(), opts) :: {:ok, String.t()} | error
  def stream(target, prompt, opts \\ []) do
    opts = Map.new(opts)

    case call(:stream, [target, prompt, Map.put_new(opts, :subscriber, self())]) do
      {:ok, run_id} when not is_map_key(opts, :subscriber) -> print_events(run_id)
      answer -> answer
    end
  end

  @doc "Events of a run from now on come to `pid` as well."
  @spec subscribe(session, String.t(), pid) :: :ok | error
  def subscribe(session, run_id, pid \\ self()), do: call(:subscribe, [session, run_id, pid])

  @spec unsubscribe(session, String.t(), pid) :: :ok | error
  def unsubscribe(session, run_id, pid \\ self()), do: call(:unsubscribe, [session, run_id, pid])

  @spec interrupt(session, String.t()) :: :ok | error
  def interrupt(session, run_id), do: call(:interrupt, [session, run_id])

  @doc "What runs of the session wait for."
  @spec approvals(session) :: {:ok, [map]} | error
  def approvals(session), do: call(:approvals, [session])

  @spec approve(session, String.t(), :allow | :deny) :: :ok | error
  def approve(session, approval_id, decision), do: call(:approve, [session, approval_id, decision])

  @spec pause(session, String.t()) :: :ok | error
  def pause(session, run_id), do: call(:pause, [session, run_id])

  @doc "Where the session can go on from."
  @spec checkpoint(session) :: {:ok, map | nil} | error
  def checkpoint(session), do: call(:checkpoint, [session])

  @doc "A run that goes on from the checkpoint; its events come to this process, or to `:subscriber`."
  @spec resume_run(session, String.t(), opts) :: {:ok, String.t(), pid | :queued} | error
  def resume_run(session, prompt, opts \\ []), do: call(:resume_run, [session, prompt, opts])

  @doc "Interrupts a run and goes on with another prompt."
  @spec intervene(session, String.t(), String.t(), opts) ::
          {:ok, String.t(), pid | :queued} | error
  def intervene(session, run_id, prompt, opts \\ []),
    do: call(:intervene, [session, run_id, prompt, opts])

  @doc "How a run of a provider would be executed; options `:lane` and `:execution_mode`."
  @spec resolve(atom, opts) :: {:ok, map} | error
  def resolve(provider, opts \\ []), do: call(:resolve, [provider, opts])

  @spec lane_info(atom) :: {:ok, map} | error
  def lane_info(provider), do: call(:lane_info, [provider])

  @spec provider_info(atom) :: {:ok, map} | error
  def provider_info(provider), do: call(:provider_info, [provider])

  @doc "Whether a node can host runs; options `:provider` and `:cwd`."
  @spec doctor(Kernel.node(), opts) :: {:ok, [map]} | error
  def doctor(node, opts \\ []), do: call(:doctor, [node, opts], :infinity)

  @spec status() :: {:ok, map} | error
  def status, do: call(:status, [])

  @doc "The text of a result: `ASMNode.query(...) |> ASMNode.text()`."
  @spec text({:ok, map} | map) :: String.t()
  def text({:ok, result}), do: text(result)
  def text(%{text: text}), do: text

  defp call(function, args, timeout \\ @call_timeout_ms) do
    node = node()

    try do
      :erpc.call(node, :asm, function, args, timeout)
    catch
      :error, {:erpc, :noconnection} ->
        failed(
          :connection_failed,
          "#{node} cannot be reached: is asmd running there, and is the cookie the same? " <>
            "(ASMNode.node/1 selects another)"
        )

      :error, {:erpc, :timeout} ->
        failed(:timeout, "#{node} did not answer #{function} within #{timeout} ms")

      :error, {:erpc, :notsup} ->
        failed(:connection_failed, "this node is not distributed: start iex with --sname")

      :error, {:exception, :undef, _} ->
        failed(:unknown, "#{node} does not offer #{function}/#{length(args)}")

      class, reason ->
        failed(:unknown, "#{node}: #{inspect({class, reason})}")
    end
  end

  defp failed(kind, message) do
    {:error,
     %{
       __struct__: ASM.Error,
       __exception__: true,
       kind: kind,
       domain: :transport,
       message: message,
       cause: nil,
       provider: nil,
       exit_code: nil,
       retryable: false,
       recovery: nil
     }}
  end

  defp here do
    [_, host] = Kernel.node() |> Atom.to_string() |> String.split("@", parts: 2)
    String.to_atom("asmd@" <> host)
  end

  defp print_events(run_id) do
    receive do
      {:asm_run_event, ^run_id, %{kind: kind, payload: payload}} ->
        print(kind, payload)
        print_events(run_id)

      {:asm_run_lagged, ^run_id, %{message: message}} ->
        IO.puts("\n! #{message}")
        print_events(run_id)

      {:asm_run_done, ^run_id} ->
        IO.puts("")
        {:ok, run_id}
    end
  end

  defp print(:assistant_delta, %{content: text}), do: IO.write(text)
  defp print(:assistant_message, %{content: blocks}), do: Enum.each(blocks, &IO.write(block(&1)))
  defp print(:thinking, %{content: text}), do: IO.puts("[#{text}]")

  defp print(:tool_use, %{tool_name: name, input: input}),
    do: IO.puts("\n* #{name} #{inspect(input)}")

  defp print(:error, %{message: message}), do: IO.puts("\n! #{message}")
  defp print(:stderr, %{content: text}), do: IO.write(:stderr, text)
  defp print(_kind, _payload), do: :ok

  defp block(text) when is_binary(text), do: text
  defp block(%{"text" => text}), do: text
  defp block(%{text: text}), do: text
  defp block(_), do: ""
end
