// Package folder answers as an API server does from files that somebody collected of a cluster: `kubectl cluster-info dump --output-directory`,
// must-gather folders (`oc adm inspect`), and what `kubectl get ... -o yaml` wrote. The layout does not matter: every object of a kind that a
// diagnosis looks at is taken from wherever it lies, once. Manifests, which have no uid, are passed over.
//
// What is not in the folder is refused as an API server refuses what may not be read, so that a diagnosis does not take it for absent. A list
// counts as whole for a namespace if a file lists that kind in a folder of the namespace's name, or holds objects of several namespaces; for the
// whole cluster only in the latter case. So do the items of a List of kubectl's, of each namespace that they are of. Of objects in files of their own
// there may be more, except for those that a must-gather has in cluster-scoped-resources: Partial names their resources, and a diagnosis that is told so
// takes none for absent.
//
// Leases are left out: the files are not of one moment, and the age of a lease would be taken for the silence of its holder.
package folder
