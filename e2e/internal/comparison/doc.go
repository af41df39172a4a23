// Package comparison says what two reports of the suite differ in: one of before a change of a cluster and one of after it, or of two clusters.
// It reads nothing but the reports, and knows nothing of how a verdict came about.
package comparison
