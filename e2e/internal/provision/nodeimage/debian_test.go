package nodeimage

import (
	"strings"
	"testing"
	"testing/fstest"
)

const osRelease = "ID=debian\nVERSION_CODENAME=bookworm\n"

func sourceLines(sources []aptSource) string {
	var lines []string
	for _, s := range sources {
		lines = append(lines, s.String())
	}
	return strings.Join(lines, "\n")
}

func TestMachineSources(t *testing.T) {
	tests := []struct {
		name  string
		etc   map[string]string
		want  []string
		fails string
	}{
		{
			"stanzas: every URI with every suite, other people's sources left out",
			map[string]string{
				"os-release": osRelease,
				"apt/sources.list.d/debian.sources": `Types: deb
# where it was frozen
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian.gpg

Types: deb deb-src
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main contrib
`,
				"apt/sources.list.d/node.sources":     "Types: deb\nURIs: https://node.test/x\nSuites: nodistro\nComponents: main\n",
				"apt/sources.list.d/disabled.sources": "Enabled: no\nTypes: deb\nURIs: http://off.test\nSuites: bookworm\nComponents: main\n",
				"apt/sources.list.d/src.sources":      "Types: deb-src\nURIs: http://src.test\nSuites: bookworm\nComponents: main\n",
				"apt/sources.list.d/left.disabled":    "deb http://left.test bookworm main\n",
			},
			[]string{
				"deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.test/debian bookworm main",
				"deb [signed-by=/usr/share/keyrings/debian.gpg] http://mirror.test/debian bookworm-updates main",
				"deb http://mirror.test/security bookworm-security main contrib",
			},
			"",
		},
		{
			"one line each, with options, comments and sources",
			map[string]string{
				"os-release": osRelease,
				"apt/sources.list": `# a comment
deb http://mirror.test/debian bookworm main non-free # the end
deb-src http://mirror.test/debian bookworm main
  deb [arch=amd64 signed-by=/k.gpg] http://mirror.test/debian bookworm-updates main
deb https://docker.test/linux bookworm stable
deb http://mirror.test/debian sid main
deb incomplete
`,
			},
			[]string{
				"deb http://mirror.test/debian bookworm main non-free",
				"deb [signed-by=/k.gpg] http://mirror.test/debian bookworm-updates main",
			},
			"",
		},
		{
			"a key in place has no one-line form",
			map[string]string{
				"os-release":                   osRelease,
				"apt/sources.list.d/d.sources": "Types: deb\nURIs: http://m.test\nSuites: bookworm\nComponents: main\nSigned-By:\n -----BEGIN PGP\n .\n -----END PGP\n",
			},
			[]string{"deb http://m.test bookworm main"},
			"",
		},
		{"no source of the distribution", map[string]string{"os-release": osRelease, "apt/sources.list": "deb http://m.test sid main\n"}, nil, "no source of bookworm"},
		{"no codename", map[string]string{"os-release": "ID=arch\n"}, nil, "VERSION_CODENAME"},
		{"no Debian at all", map[string]string{}, nil, "not a Debian-like system"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			etc := fstest.MapFS{}
			for name, text := range tt.etc {
				etc[name] = &fstest.MapFile{Data: []byte(text)}
			}
			_, sources, err := machineSources(etc)
			if tt.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fails) {
					t.Errorf("got error %v, want one that says %q", err, tt.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, want := sourceLines(sources), strings.Join(tt.want, "\n"); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}
