package diagnose

import (
	"strings"
	"testing"
)

// What programs write at their end, as shells, runtimes and databases word it, and the first words of what it means.
func TestLastWords(t *testing.T) {
	for said, want := range map[string]string{
		"exec /entrypoint.sh: exec format error":                                                               "its program, or one that it runs, is made for another architecture",
		"/scripts/run.sh: line 2: $'\\r': command not found":                                                   "a script's lines end as on Windows",
		"sh: /scripts/run.sh: /bin/bash^M: bad interpreter: No such file":                                      "a script's lines end as on Windows",
		"dial tcp: lookup db-0.db on 10.96.0.10:53: no such host":                                              "it could not resolve a name",
		`could not translate host name "db-1.db" to address: Name does not resolve`:                            "it could not resolve a name",
		"ping: bad address 'db-0.db'":                                                                          "it could not resolve a name",
		"touch: /etc/x: Read-only file system":                                                                 "it writes where it may not",
		"mkdir: cannot create directory '/data/db': Permission denied":                                         "it lacks a right",
		"[InnoDB] Operating system error number 13 in a file operation.":                                       "it lacks a right",
		"bind: Address already in use":                                                                         "its port is in use",
		`initdb: directory "/var/lib/postgresql/data" exists; it contains lost+found`:                          "its data directory is not empty",
		`configmaps is forbidden: User "system:serviceaccount:shop:default" cannot list resource "configmaps"`: "its service account lacks a right",
		`{"msg":"pods is forbidden: User \"system:serviceaccount:shop:default\" cannot list"}`:                 "its service account lacks a right",
		"dial tcp 10.0.0.1:5432: connect: connection refused":                                                  "it does not reach another program",
		"max virtual memory areas vm.max_map_count [65530] is too low, increase to at least [262144]":          "its node's kernel allows it too little",
		"accept tcp [::]:80: accept4: too many open files":                                                     "it may not open as many files",
		"java.lang.OutOfMemoryError: Java heap space":                                                          "its memory is used up by its own limit",
		"Error: unknown flag: --foo":                                                                           "it does not know an argument",
		"listen tcp :80: bind: permission denied":                                                              "it may not open its port",
		"bind() to 10.0.0.9:80 failed (99: Cannot assign requested address)":                                   "it is to listen on an address",
		"bind() to 0.0.0.0:80 failed (98: Address already in use)":                                             "its port is in use",
		"inotify_add_watch: no space left on device":                                                           "its node's kernel lets it watch no more files",
		"bash: fork: retry: Resource temporarily unavailable":                                                  "it may not start another process",
		"FATAL: database files are incompatible with server":                                                   "the data on its volume are of another version",
		"member 1 has already been bootstrapped":                                                               "the data on its volume are of another cluster",
		"FATAL: lock file \"postmaster.pid\" already exists":                                                   "another process has its data",
		"bye":                   "",
		"connected to the host": "",
	} {
		got := readLastWords(said)
		if (want == "") != (got == nil) || got != nil && (!strings.HasPrefix(got.why, want) || got.do == "") {
			t.Errorf("%s: expected %q, found %+v", said, want, got)
		}
	}
}

// TestTellingLine: of the lines of a log the one is quoted that says most of why the program ended.
func TestTellingLine(t *testing.T) {
	for name, tt := range map[string]struct {
		lines []string
		want  int
	}{
		"nothing failed": {[]string{"starting", "bye"}, -1},
		"the first of the last failures in a row":      {[]string{"[ERROR] retrying", "again", "[ERROR] page 7 is corrupt", "[ERROR] tablespace 3 cannot be opened", "[ERROR] aborting", "bye"}, 2},
		"the last that says that the program ended":    {[]string{"[ERROR] page 7 is corrupt", "FATAL: no quorum", "FATAL: cannot go on", "bye"}, 2},
		"words that are known, before what came of it": {[]string{"exec format error", "[ERROR] cannot start", "FATAL: giving up"}, 0},
	} {
		if got := tellingLine(tt.lines, readLastWords(strings.Join(tt.lines, "\n"))); got != tt.want {
			t.Errorf("%s: expected line %d, found %d", name, tt.want, got)
		}
	}
}
