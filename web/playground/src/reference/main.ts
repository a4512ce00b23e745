import oneThread from "playgrad/engine.wasm?url";
import { mount } from "svelte";
import "../app.css";
import { Runner } from "../runner/client";
import { Player } from "./player.svelte";
import Reference from "./Reference.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("the page has no #app");
const runner = new Runner(() => WebAssembly.compileStreaming(fetch(oneThread)), "cpu");
mount(Reference, { target, props: { player: new Player(runner) } });
