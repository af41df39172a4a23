// Package nslookup asks the cluster's DNS with busybox nslookup and reads what it prints.
//
// The answer is read, never the exit code: busybox 1.30 exits 0 even for a name that does not exist, and 1.35 and later exit
// 1 for a short name that did resolve, because every domain of the search list where it did not exist counts as a failure.
// What is printed differs as well:
//
//   - Up to 1.28, and where FEATURE_NSLOOKUP_BIG is off, the C library resolves: "Address 1: 10.0.0.1 its.reverse.name"
//     under a "Name:" line that repeats the question, and one line on standard error if that failed.
//   - From 1.29 busybox has its own resolver: a block for each reply, closed by an empty line, with one
//     "Name:" and "Address:" pair for each record.
//
// In both forms the first lines give the address of the DNS server itself.
//
// Two things cannot be seen in the output: that a reply was truncated, which looks like a shorter one (so keep answers
// under 512 bytes), and which question an empty reply belongs to (so ask one name and one type where that matters).
package nslookup
