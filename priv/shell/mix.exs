# SPDX-License-Identifier: MIT
defmodule ASMNode.MixProject do
  use Mix.Project

  def project do
    [
      app: :asm,
      version: "0.1.0",
      elixir: "~> 1.14",
      description: "asmd from Erlang and Elixir",
      erlc_options: [:debug_info],
      deps: []
    ]
  end

  def application, do: [extra_applications: []]
end
