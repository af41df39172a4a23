// Package runconfig holds the settings of one run: the cluster, the level, the images, the time limits. The command that starts a run writes
// them to a file, the test processes read it, and the report holds what of it a verdict is understood by.
// Patch, ApplyToClaims, Label and ReadFixture put them into objects; a patch of pods changes nothing that checks rest on.
//
// It stands on client-go's loader of kubeconfigs, the API types and the fixtures. Nothing here sends a request, reads a flag or an
// environment variable, or knows a guarantee. Limits are here and not in a package of their own since every user of them has the settings.
package runconfig
