// Package runner runs the specs in processes of their own and makes a report of what they recorded.
//
// The specs are compiled into the program that calls Execute. It starts itself again, first as Ginkgo's CLI, and Ginkgo's CLI starts it
// again as each process of the suite: see HiddenRole, which the main function calls first. The processes of the suite are connected to the
// command by one socket: progress goes over it, and its end says that the command has ended.
//
// It stands on Ginkgo and on the packages of verdicts and reports. It makes no cluster and asserts nothing.
package runner
