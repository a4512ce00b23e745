export interface Workload {
  name: string;
  title: string;
}

export declare const workloadNames: readonly string[];
export declare function workload(name: string): Workload;
