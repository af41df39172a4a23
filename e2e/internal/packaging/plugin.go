package packaging

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/version"
)

// Plugin is the name of the program as a plugin of kubectl, which runs it as "kubectl sts", and PluginName that of the plugin for krew.
const (
	Plugin     = "kubectl-sts"
	PluginName = "sts"
)

//go:embed plugin.yaml.tmpl
var pluginTemplate string

// Platform is an operating system and an architecture, as GOOS and GOARCH name them.
type Platform struct{ OS, Arch string }

// PluginPlatforms are those that the plugin is packed for.
func PluginPlatforms() []Platform {
	var out []Platform
	for _, system := range []string{"darwin", "linux"} {
		for _, arch := range Architectures() {
			out = append(out, Platform{system, arch})
		}
	}
	return out
}

// PluginArchive is an archive with the plugin for one platform.
type PluginArchive struct {
	Platform
	File   string // its path
	SHA256 string // of the file, in hexadecimal digits
}

// Name is the archive's name without its folder.
func (a PluginArchive) Name() string { return filepath.Base(a.File) }

// PackPlugin packs a program and its license into an archive below a folder, under the name by which kubectl finds it.
func PackPlugin(folder string, p Platform, program, license string) (a PluginArchive, err error) {
	work, err := os.MkdirTemp("", "kubectl-sts-*")
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	for from, to := range map[string]string{program: Plugin, license: "LICENSE"} {
		data, err := os.ReadFile(from)
		if err != nil {
			return a, err
		}
		mode := os.FileMode(0o644)
		if to == Plugin {
			mode = 0o755
		}
		if err := os.WriteFile(filepath.Join(work, to), data, mode); err != nil {
			return a, err
		}
	}
	a = PluginArchive{Platform: p, File: filepath.Join(folder, fmt.Sprintf("%s-%s-%s.tar.gz", Plugin, p.OS, p.Arch))}
	if err := Pack(a.File, work); err != nil {
		return a, err
	}
	a.SHA256, err = sumOf(a.File)
	return a, err
}

func sumOf(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	_, err = io.Copy(sum, f)
	return hex.EncodeToString(sum.Sum(nil)), err
}

// PluginVersion returns the suite's version as krew wants it, which is a semantic one with a v before it.
func PluginVersion(suite string) string {
	if strings.HasPrefix(suite, "v") && strings.Count(suite, ".") >= 2 {
		return suite
	}
	if suite == version.Unknown {
		return "v0.0.0"
	}
	return "v0.0.0-g" + suite // a number with a zero in front is no part of such a version
}

// WritePluginManifest writes krew's manifest of the plugin, whose archives will be at a URL, each by its name.
func WritePluginManifest(w io.Writer, suite, url string, archives []PluginArchive) error {
	t, err := template.New("plugin").Parse(pluginTemplate)
	if err != nil {
		return err
	}
	return t.Execute(w, map[string]any{"Name": PluginName, "Program": Plugin, "Version": PluginVersion(suite), "URL": strings.TrimSuffix(url, "/"), "Archives": archives})
}
