package nodeimage

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/host"
)

// aptSource is one package source of the machine: where Debian's packages are got from here.
type aptSource struct {
	uri        string
	suite      string
	components []string
	signedBy   string
}

// String writes the source in apt's one-line style.
func (s aptSource) String() string {
	options := ""
	if s.signedBy != "" {
		options = "[signed-by=" + s.signedBy + "] "
	}
	return fmt.Sprintf("deb %s%s %s %s", options, s.uri, s.suite, strings.Join(s.components, " "))
}

// machineSources reads the machine's own apt sources, so that packages come from the mirror its owner has chosen, and keeps those of
// the distribution itself.
func machineSources(etc fs.FS) (codename string, sources []aptSource, err error) {
	release, err := fs.ReadFile(etc, "os-release")
	if err != nil {
		return "", nil, fmt.Errorf("this is not a Debian-like system: %w", err)
	}
	for line := range strings.Lines(string(release)) {
		if value, ok := strings.CutPrefix(line, "VERSION_CODENAME="); ok {
			codename = strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	if codename == "" {
		return "", nil, errors.New("/etc/os-release names no VERSION_CODENAME: packages can be taken from a release of Debian or one of its descendants only")
	}
	oneLine, err := fs.Glob(etc, "apt/sources.list.d/*.list")
	if err != nil {
		return "", nil, err
	}
	deb822, err := fs.Glob(etc, "apt/sources.list.d/*.sources")
	if err != nil {
		return "", nil, err
	}
	for _, file := range append([]string{"apt/sources.list"}, append(oneLine, deb822...)...) {
		text, err := fs.ReadFile(etc, file)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", nil, err
		}
		parse := parseOneLine
		if strings.HasSuffix(file, ".sources") {
			parse = parseDeb822
		}
		for _, source := range parse(string(text)) {
			if source.of(codename) {
				sources = append(sources, source)
			}
		}
	}
	if len(sources) == 0 {
		return "", nil, fmt.Errorf("the apt sources in /etc/apt name no source of %s with the component main", codename)
	}
	return codename, sources, nil
}

// of reports whether a source is the distribution's own: those carry its suites and its component main.
func (s aptSource) of(codename string) bool {
	return (s.suite == codename || strings.HasPrefix(s.suite, codename+"-")) && slices.Contains(s.components, "main")
}

// parseOneLine reads the lines of a sources.list; lines it does not understand name no source.
func parseOneLine(text string) []aptSource {
	var sources []aptSource
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "deb ")
		if !ok {
			continue
		}
		var source aptSource
		rest = strings.TrimSpace(rest)
		if options, after, ok := strings.Cut(strings.TrimPrefix(rest, "["), "]"); ok && strings.HasPrefix(rest, "[") {
			for option := range strings.FieldsSeq(options) {
				if keyring, ok := strings.CutPrefix(option, "signed-by="); ok {
					source.signedBy = keyring
				}
			}
			rest = after
		}
		fields := strings.Fields(rest)
		if len(fields) < 3 {
			continue
		}
		source.uri, source.suite, source.components = fields[0], fields[1], fields[2:]
		sources = append(sources, source)
	}
	return sources
}

// parseDeb822 reads the stanzas of a .sources file.
func parseDeb822(text string) []aptSource {
	var sources []aptSource
	stanza := map[string]string{}
	field := ""
	flush := func() {
		sources = append(sources, sourcesOf(stanza)...)
		stanza, field = map[string]string{}, ""
	}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "#"):
		case strings.TrimSpace(line) == "":
			flush()
		case line[0] == ' ' || line[0] == '\t':
			stanza[field] += "\n" + strings.TrimSpace(line)
		default:
			name, value, _ := strings.Cut(line, ":")
			field = strings.ToLower(strings.TrimSpace(name))
			stanza[field] = strings.TrimSpace(value)
		}
	}
	flush()
	return sources
}

func sourcesOf(stanza map[string]string) []aptSource {
	if !slices.Contains(strings.Fields(stanza["types"]), "deb") || strings.EqualFold(stanza["enabled"], "no") {
		return nil
	}
	keyring := stanza["signed-by"]
	if strings.Contains(keyring, "\n") {
		// An inline key has no one-line form; the machine's trusted keys then have to do.
		keyring = ""
	}
	var sources []aptSource
	for uri := range strings.FieldsSeq(stanza["uris"]) {
		for suite := range strings.FieldsSeq(stanza["suites"]) {
			sources = append(sources, aptSource{uri: uri, suite: suite, components: strings.Fields(stanza["components"]), signedBy: keyring})
		}
	}
	return sources
}

// extract is the variant of a tree whose packages are unpacked and not installed: none of their scripts runs.
const extract = "extract"

// treeStep makes a root file system from Debian packages: a file tree.tar.
func treeStep(name, title, hook, variant string, packages []string) *step {
	return &step{
		name:  name,
		title: title,
		inputs: []string{
			runtime.GOARCH, variant, fmt.Sprint(packages), digestOf(sources, "files/hooks/"+hook),
		},
		make: func(ctx context.Context, out string) error {
			codename, list, err := machineSources(os.DirFS("/etc"))
			if err != nil {
				return err
			}
			if err := installMmdebstrap(ctx); err != nil {
				return err
			}
			work := out + ".work"
			if err := os.MkdirAll(work, 0o755); err != nil {
				return err
			}
			defer os.RemoveAll(work)
			var lines []string
			for _, source := range list {
				lines = append(lines, source.String())
			}
			sourceList := filepath.Join(work, "sources.list")
			if err := os.WriteFile(sourceList, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
				return err
			}
			script, err := fs.ReadFile(sources, "files/hooks/"+hook)
			if err != nil {
				return err
			}
			scriptFile := filepath.Join(work, hook)
			if err := os.WriteFile(scriptFile, script, 0o755); err != nil {
				return err
			}
			when := "--customize-hook="
			if variant == extract {
				when = "--extract-hook="
			}
			cmd := exec.CommandContext(ctx, "mmdebstrap", "--variant="+variant, "--format=tar", "--include="+strings.Join(packages, ","),
				"--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
				when+scriptFile, codename, filepath.Join(out, "tree.tar"), sourceList)
			_, err = host.Run(ctx, cmd)
			return err
		},
	}
}

// installMmdebstrap brings the program that makes the trees onto the machine.
func installMmdebstrap(ctx context.Context) error {
	if _, err := exec.LookPath("mmdebstrap"); err == nil {
		return nil
	}
	const wanted = "building a node image needs mmdebstrap"
	if os.Geteuid() != 0 {
		return errors.New(wanted + ", which only root can install: sudo apt-get install mmdebstrap, or name an image with NODE_IMAGE")
	}
	if err := host.Install(ctx, "mmdebstrap"); err != nil {
		return fmt.Errorf("%s: %w", wanted, err)
	}
	return nil
}
