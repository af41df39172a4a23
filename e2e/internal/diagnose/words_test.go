package diagnose

import "testing"

// What programs write at their end, as shells, runtimes and databases word it, and the first words of what it means.
func TestLastWords(t *testing.T) {
	for said, want := range map[string]string{
		"exec /entrypoint.sh: exec format error":                                      "its program, or one that it runs, is made for another architecture",
		"/scripts/run.sh: line 2: $'\\r': command not found":                          "a script's lines end as on Windows",
		"sh: /scripts/run.sh: /bin/bash^M: bad interpreter: No such file":             "a script's lines end as on Windows",
		"dial tcp: lookup db-0.db on 10.96.0.10:53: no such host":                     "it could not resolve a name",
		`could not translate host name "db-1.db" to address: Name does not resolve`:   "it could not resolve a name",
		"ping: bad address 'db-0.db'":                                                 "it could not resolve a name",
		"touch: /etc/x: Read-only file system":                                        "it writes where it may not",
		"mkdir: cannot create directory '/data/db': Permission denied":                "it lacks a right",
		"bind: Address already in use":                                                "its port is in use",
		`initdb: directory "/var/lib/postgresql/data" exists; it contains lost+found`: "its data directory is the root of a volume",
		"bye":                   "",
		"connected to the host": "",
	} {
		got, do := lastWords(said)
		if len(got) < len(want) || got[:len(want)] != want || (want == "") != (got == "") || (want == "") != (do == "") {
			t.Errorf("%s: expected %q, found %q, %q", said, want, got, do)
		}
	}
}
