import { mount } from "svelte";
import App from "./App.svelte";
import "uplot/dist/uPlot.min.css";
import "./app.css";
import type { Runner } from "./runner/client";
import { Session } from "./state/session.svelte";

export async function start(runner: Runner): Promise<void> {
  const target = document.getElementById("app");
  if (!target) throw new Error("the page has no #app");
  const session = new Session(runner);
  await session.open(location.hash);
  mount(App, { target, props: { session } });
}
