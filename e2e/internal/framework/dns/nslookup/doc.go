// Package nslookup queries the cluster's DNS with busybox nslookup and parses what it prints.
//
// The exit code is not used: busybox 1.30 exits 0 even for NXDOMAIN, and 1.35 and later exit 1 for a short name that did resolve, since
// every search domain without it counts as a failure. The output is a block for each reply, closed by an empty line, with one "Name:" and
// one "Address:" line for each record. The first lines are the address of the DNS server itself.
//
// That is the form of busybox 1.29 and later with its own resolver (FEATURE_NSLOOKUP_BIG). Any other form is an error: the C library, which
// resolves before 1.29, also reads /etc/hosts, and does not distinguish NXDOMAIN from a failing server.
//
// Two things are not in the output: that a reply was truncated, so answers must stay under 512 bytes; and which question an empty reply
// belongs to, so one name and one type must be queried where that matters.
//
// It stands on the standard library alone. It runs nothing by itself and asserts nothing.
package nslookup
