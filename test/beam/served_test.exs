# SPDX-License-Identifier: MIT
#
# The calls that an Elixir node makes of its remote node, with the modules that it makes them with:
# :rpc, GenServer, DynamicSupervisor, Process. Prints TAP; status 1 when a check failed.

defmodule Served do
  @starter :"Elixir.ASM.Remote.BackendStarter"
  @supervisor :"Elixir.ASM.Remote.BackendSupervisor"
  @timeout 15_000

  def main([node, providers]) do
    node = String.to_atom(node)
    true = Node.connect(node)

    checks = [
      {"Elixir: the preflight passes", fn -> preflight(node) end},
      {"Elixir: a session runs to its end", fn -> run(node, providers) end},
      {"Elixir: GenServer.call and GenServer.stop", fn -> control(node, providers) end},
      {"Elixir: an error is a struct-like map or a tuple", fn -> errors(node) end}
    ]

    results = Enum.map(checks, &check/1)
    System.halt(if Enum.all?(results), do: 0, else: 1)
  end

  defp check({name, fun}) do
    Task.await(Task.async(fun), 30_000)
    IO.puts("ok - #{name}")
    true
  catch
    kind, reason ->
      IO.puts("not ok - #{name}: expected no exception got #{inspect({kind, reason})}")
      false
  end

  defp rpc(node, module, function, args), do: :rpc.call(node, module, function, args, @timeout)

  defp preflight(node) do
    true = rpc(node, Code, :ensure_loaded?, [@starter])
    true = rpc(node, :erlang, :function_exported, [@starter, :start_core_session, 1])

    %{asm_version: "0.12." <> _, capabilities: capabilities, otp_release: otp} =
      rpc(node, :"Elixir.ASM.Remote.Capabilities", :handshake, [])

    true = :remote_backend_start_v1 in capabilities
    ^otp = System.otp_release()
    pid = rpc(node, Process, :whereis, [@supervisor])
    true = is_pid(pid) and node(pid) == node
    {:ok, []} = rpc(node, Application, :ensure_all_started, [:agent_session_manager])
  end

  defp start(node, providers, prompt, more \\ []) do
    ref = make_ref()

    opts =
      more ++
        [
          provider: :claude,
          prompt: prompt,
          command: Path.join(providers, "claude"),
          subscriber: {self(), ref}
        ]

    {:ok, pid, info} = rpc(node, @starter, :start_core_session, [opts])
    {pid, ref, Process.monitor(pid), info}
  end

  defp event(tag, ref, kind) do
    receive do
      {^tag, ^ref, {:event, %{kind: ^kind} = event}} -> event
    after
      @timeout -> exit({:no_event, kind, Process.info(self(), :messages)})
    end
  end

  defp down(monitor) do
    receive do
      {:DOWN, ^monitor, :process, _, reason} -> reason
    after
      @timeout -> exit(:no_down)
    end
  end

  defp run(node, providers) do
    {_, ref, monitor, info} = start(node, providers, "hello", metadata: %{run_id: "R1"})
    %{session_event_tag: tag, metadata: %{run_id: "R1"}} = info
    started = event(tag, ref, :run_started)
    %DateTime{time_zone: "Etc/UTC"} = struct!(DateTime, Map.from_struct(started.timestamp))
    %{payload: %{status: :completed}} = event(tag, ref, :result)
    true = down(monitor) in [:normal, :noproc]
  end

  defp control(node, providers) do
    {pid, ref, monitor, %{session_event_tag: tag}} = start(node, providers, "stdin")
    [{:undefined, ^pid, :worker, [_]}] = DynamicSupervisor.which_children({@supervisor, node})
    %{active: 1} = DynamicSupervisor.count_children({@supervisor, node})
    :ok = GenServer.call(pid, {:send, %{"say" => "hi"}})
    event(tag, ref, :assistant_message)
    %{subscribers: 1} = GenServer.call(pid, :info)
    :ok = GenServer.call(pid, {:subscribe, self(), :legacy})
    :ok = GenServer.call(pid, {:send, "again"})

    receive do
      {:session_event, %{kind: :assistant_message}} -> :ok
    after
      @timeout -> exit(:no_legacy_event)
    end

    :ok = GenServer.stop(pid, :normal)
    :normal = down(monitor)
    false = rpc(node, Process, :whereis, [@supervisor]) |> is_nil()
    [] = DynamicSupervisor.which_children({@supervisor, node})
  end

  defp errors(node) do
    {:error, {:provider_not_found, :gemini}} =
      rpc(node, @starter, :start_core_session, [[provider: :gemini, prompt: "x"]])

    {:error, %{kind: :cli_not_found, message: message}} =
      rpc(node, @starter, :start_core_session, [[provider: :amp, prompt: "x"]])

    true = is_binary(message)
    {:badrpc, {:EXIT, {:undef, _}}} = rpc(node, System, :cmd, ["true", []])
  end
end

Served.main(System.argv())
