# SPDX-License-Identifier: MIT
defmodule ASMNode.Error do
  @moduledoc """
  Why something did not work: an `ASM.Error` as an exception.

  `kind` and `domain` are for programs, `message` says in words what happened and what to do next.

      iex> {:error, error} = ASMNode.query("no such session", "hello")
      iex> {error.kind, error.domain}
      {:unknown, :runtime}
      iex> ASMNode.node(:"nobody@nowhere")
      iex> {:error, %ASMNode.Error{kind: :connection_failed} = error} = ASMNode.status()
      iex> error.message
      "nobody@nowhere cannot be reached: is asmd running there (asmctl status), and is the cookie the same? node/1 selects another daemon"
  """

  @fields [:kind, :domain, :message, :cause, :provider, :exit_code, :retryable, :recovery]

  defexception @fields

  @type t :: %__MODULE__{
          kind: atom,
          domain: atom,
          message: String.t(),
          cause: term,
          provider: atom,
          exit_code: integer | nil,
          retryable: boolean | nil,
          recovery: map | nil
        }

  @impl true
  def message(%__MODULE__{kind: kind, domain: domain, message: message}),
    do: "[#{domain}/#{kind}] #{message}"

  @doc false
  @spec new(map) :: t
  def new(failure), do: struct!(__MODULE__, Map.take(failure, @fields))

  # What `:asm` raises, as one of these.
  @doc false
  @spec reraise(Exception.t(), Exception.stacktrace()) :: no_return
  def reraise(%ErlangError{original: {:asm_error, failure}}, stacktrace),
    do: Kernel.reraise(new(failure), stacktrace)

  def reraise(error, stacktrace), do: Kernel.reraise(error, stacktrace)
end
