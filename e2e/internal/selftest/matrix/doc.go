// Package matrix lists the clusters that the suite is run on besides its own: other versions of Kubernetes, other address families, another
// DNS zone, other StorageClasses, feature gates that are off by default, a registry that the nodes pull from. Apart from known bugs each
// keeps the guarantees, so the suite has to find each conformant, with what a cluster lacks reported as not applicable.
//
// The developers' command runs the suite on one after another; RESULTS.md holds the last complete run. The package stands on client-go,
// go-containerregistry and package nodeimage. No judge and no spec may import it.
package matrix
