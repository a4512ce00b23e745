import { mount } from "svelte";
import "../app.css";
import Bench from "./Bench.svelte";
import { Measurements } from "./measure.svelte";

const target = document.getElementById("app");
if (!target) throw new Error("the page has no #app");
mount(Bench, { target, props: { measurements: new Measurements() } });
