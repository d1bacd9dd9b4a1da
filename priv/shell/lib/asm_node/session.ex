# SPDX-License-Identifier: MIT
defmodule ASMNode.Session do
  @moduledoc """
  A process that owns a session of asmd, for a supervisor.

      iex> children = [{ASMNode.Session, name: :coder, provider: :codex}]
      iex> {:ok, _} = Supervisor.start_link(children, strategy: :one_for_one)
      iex> ASMNode.query(ASMNode.Session.ref(:coder), "hello") |> ASMNode.text()
      "You asked: hello It has 1 word(s). I am a stand-in without a model."

  The session begins and ends with its owner, however that ends: the daemon watches it. When the
  session ends or the daemon is lost, the owner ends with `{:session_ended, reason}` and its
  supervisor makes another. Options are `:name`, a registered name, `:node`, the daemon's, and those of
  `ASMNode.start_session/1`.
  """

  @spec child_spec(keyword) :: Supervisor.child_spec()
  def child_spec(opts),
    do: %{id: Keyword.get(opts, :name, __MODULE__), start: {__MODULE__, :start_link, [opts]}}

  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(opts) do
    case Keyword.pop(opts, :name) do
      {nil, opts} -> :asm_session.start_link(opts)
      {name, opts} -> :asm_session.start_link({:local, name}, opts)
    end
  end

  @doc "The session, for the functions of `ASMNode`."
  @spec ref(GenServer.server()) :: pid
  def ref(owner), do: :asm_session.ref(owner)
end
