# SPDX-License-Identifier: MIT
#
# The doctests of priv/shell/lib, and what they do not show, against the daemon of test-shell.sh.
#
#     asm_node_test.exs MORTAL_NODE MORTAL_OS_PID SECURITY_DOC
#
# The mortal daemon is one that is killed here.

defmodule TAP do
  @moduledoc "Prints a line for each test, as all tests here do."
  use GenServer

  def init(_opts), do: {:ok, nil}

  def handle_cast({:test_finished, %{state: nil} = test}, state) do
    IO.puts("ok - #{test.name}")
    {:noreply, state}
  end

  def handle_cast({:test_finished, %{state: {:failed, failures}} = test}, state) do
    text = ExUnit.Formatter.format_test_failure(test, failures, 1, 200, fn _, text -> text end)
    IO.puts("not ok - #{test.name}: #{text |> String.split() |> Enum.join(" ")}")
    {:noreply, state}
  end

  def handle_cast(_event, state), do: {:noreply, state}
end

Application.ensure_all_started(:ex_unit)
ExUnit.start(autorun: false, timeout: 60_000, seed: 0, formatters: [TAP])

defmodule ASMNodeDocTest do
  use ExUnit.Case, async: false

  for module <- [ASMNode, ASMNode.Error, ASMNode.Stream, ASMNode.Subscriber, ASMNode.Session] do
    doctest module
  end
end

defmodule ASMNodeTest do
  use ExUnit.Case, async: false

  defmodule Recorder do
    use ASMNode.Subscriber

    @impl true
    def init(parent), do: {:ok, parent}

    @impl true
    def handle_event(event, parent) do
      send(parent, {:event, event.kind})
      {:ok, parent}
    end

    @impl true
    def handle_approval(%{subject: subject}, parent) do
      send(parent, {:asked, subject})
      {:allow, parent}
    end

    @impl true
    def handle_end(how, parent), do: send(parent, {:ended, how})
  end

  test "every function that asmd exports is there" do
    [_, _, security_doc] = System.argv()
    rows = Regex.scan(~r/^\| `([a-z_]+)\/([0-9])` \|/m, File.read!(security_doc))
    assert length(rows) > 30
    {:module, _} = Code.ensure_loaded(ASMNode)

    missing =
      for [_, name, arity] <- rows,
          name = if(name == "stream", do: :submit, else: String.to_atom(name)),
          not function_exported?(ASMNode, name, String.to_integer(arity)),
          do: {name, arity}

    assert missing == []
  end

  test "every function has its type" do
    for module <- [ASMNode, ASMNode.Subscriber, ASMNode.Session] do
      {:ok, specs} = Code.Typespec.fetch_specs(module)
      typed = Enum.map(specs, &elem(&1, 0))
      defaults = for {name, arity} <- typed, n <- 0..arity, do: {name, n}
      public = module.__info__(:functions) |> Enum.reject(fn {name, _} -> name == :__struct__ end)
      assert public -- (typed ++ defaults) == []
    end
  end

  test "a stream can be suspended, and zipped with others" do
    numbers = ASMNode.stream(:codex, "count:20") |> ASMNode.texts()
    again = ASMNode.stream(:claude, "count:20") |> ASMNode.texts()
    assert Enum.zip(numbers, again) |> List.last() == {"event 20 ", "event 20 "}
    assert Enum.zip(numbers, 1..3) == [{"event 1 ", 1}, {"event 2 ", 2}, {"event 3 ", 3}]
    refute_received _
  end

  test "an exception of who uses a stream closes it" do
    {:ok, session} = ASMNode.start_session(provider: :claude)

    assert_raise RuntimeError, "enough", fn ->
      ASMNode.stream(session, "hang", on_halt: :interrupt) |> Enum.each(fn _ -> raise "enough" end)
    end

    assert {:ok, _} = ASMNode.query(session, "the next one is not behind it")
    assert :ok = ASMNode.stop_session(session)
    refute_received _
  end

  test "a stream of nothing starts no run" do
    {:ok, session} = ASMNode.start_session(provider: :codex)
    assert ASMNode.stream(session, "hello") |> Enum.take(0) == []
    assert %{input_tokens: 0} = ASMNode.cost(session)
    ASMNode.stop_session(session)
  end

  test "the words of a run that fails come, then the failure is raised" do
    texts = ASMNode.stream(:codex, "count:2 fail:3") |> ASMNode.texts()
    assert Enum.take(texts, 2) == ["event 1 ", "event 2 "]
    assert_raise ASMNode.Error, ~r/exited with code 3/, fn -> Enum.to_list(texts) end
  end

  test "a run that does not start raises why" do
    assert_raise ASMNode.Error, ~r/run_deadline_ms/, fn ->
      Enum.to_list(ASMNode.stream(:codex, "hello", run_deadline_ms: :soon))
    end
  end

  test "print prints" do
    assert ExUnit.CaptureIO.capture_io(fn -> ASMNode.print(ASMNode.stream(:codex, "count:1")) end) ==
             "event 1 \n"

    assert_raise ASMNode.Error, fn -> ASMNode.print(ASMNode.stream(:nobody, "hello")) end
  end

  test "a subscriber answers approvals" do
    children = [{Recorder, {ASMNode.stream(:claude, "approve"), self()}}]
    {:ok, _} = Supervisor.start_link(children, strategy: :one_for_one)
    assert_receive {:asked, "Bash"}, 30_000
    assert_receive {:ended, :done}, 30_000
    assert_received {:event, :approval_resolved}
  end

  test "several subscribers have names, and a supervisor ends them" do
    {:ok, session} = ASMNode.start_session(provider: :claude)
    stream = ASMNode.stream(session, "hang", on_halt: :interrupt)
    spec = %{id: :recorder, start: {ASMNode.Subscriber, :start_link, [Recorder, stream, self(), [name: :recorder]]}}
    {:ok, supervisor} = Supervisor.start_link([spec], strategy: :one_for_one)
    assert_receive {:event, :run_started}, 30_000
    assert is_pid(Process.whereis(:recorder))
    Supervisor.stop(supervisor)
    assert_receive {:ended, {:stopped, :shutdown}}, 30_000
    assert {:ok, _} = ASMNode.query(session, "the run is over")
    ASMNode.stop_session(session)
  end

  test "a daemon that is killed raises what has happened" do
    [mortal, os_pid, _] = System.argv()
    ASMNode.node(String.to_atom(mortal))

    error =
      assert_raise ASMNode.Error, fn ->
        Enum.each(ASMNode.stream(:claude, "hang"), fn
          %{kind: :assistant_message} -> System.cmd("kill", ["-KILL", os_pid])
          _event -> :ok
        end)
      end

    assert error.kind == :connection_failed
    assert Exception.message(error) =~ "was lost (noconnection)"
    assert {:error, %ASMNode.Error{kind: :connection_failed}} = ASMNode.status()
  end
end

%{failures: failures} = ExUnit.run()
System.halt(min(failures, 1))
