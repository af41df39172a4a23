// Package faults holds faults that are planted in a real cluster to show that the suite finds them: each with the guarantees it breaks, the
// harm to a user, and the change that makes it. Most are changes of kube-controller-manager: one program carries them all, and a file
// names the one in force while it runs. The others change DNS, StorageClasses or admission.
//
// The developers' command builds that program, puts it into a kind cluster, brings one fault after another into force and prints which
// were caught, and under which guarantee. Faults that show only during node faults have a cluster with workers. RESULTS.md holds the last
// complete run. The package stands on packages contract, engine and nodeimage. No judge and no spec may import it.
package faults
