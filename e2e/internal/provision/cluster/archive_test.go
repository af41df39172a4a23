package cluster

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The configuration and the layer of the image that these tests save.
const (
	testConfig = `{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}`
	testLayer  = "layer"
)

func sum(content string) string {
	s := sha256.Sum256([]byte(content))
	return hex.EncodeToString(s[:])
}

func blob(content string) string { return "blobs/sha256/" + sum(content) }

func dockerManifest(t *testing.T, config string, layers ...string) string {
	t.Helper()
	text, err := json.Marshal([]map[string]any{{"Config": config, "RepoTags": []string{"nginx:1"}, "Layers": layers}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// indexArchive is what docker's containerd store saves: an index of two platforms, and the content of one.
func indexArchive(t *testing.T) map[string]string {
	t.Helper()
	manifest := fmt.Sprintf(`{"schemaVersion":2,"config":{"digest":"sha256:%s"},"layers":[{"digest":"sha256:%s"}]}`, sum(testConfig), sum(testLayer))
	index := fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"digest":"sha256:%s","platform":{"os":"linux","architecture":"amd64"}},`+
		`{"digest":"sha256:%s","platform":{"os":"linux","architecture":"arm64"}}]}`, sum(manifest), sum("absent"))
	return map[string]string{
		"oci-layout":     `{"imageLayoutVersion":"1.0.0"}`,
		"index.json":     fmt.Sprintf(`{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"sha256:%s"}]}`, sum(index)),
		"manifest.json":  dockerManifest(t, blob(testConfig), blob(testLayer)),
		blob(index):      index,
		blob(manifest):   manifest,
		blob(testConfig): testConfig,
		blob(testLayer):  testLayer,
	}
}

// classicArchive is what podman and older dockers save.
func classicArchive(t *testing.T) map[string]string {
	t.Helper()
	config := sum(testConfig) + ".json"
	return map[string]string{"manifest.json": dockerManifest(t, config, "l1/layer.tar"), config: testConfig, "l1/layer.tar": testLayer}
}

func writeArchive(t *testing.T, files map[string]string) string {
	t.Helper()
	var out bytes.Buffer
	writer := tar.NewWriter(&out)
	for name, content := range files {
		if err := writer.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "saved.tar")
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func filesIn(t *testing.T, file string) []string {
	t.Helper()
	archive, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	names := []string{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if err != nil {
			slices.Sort(names)
			return names
		}
		names = append(names, header.Name)
	}
}

func TestArchiveHoldsOnePlatform(t *testing.T) {
	for name, archive := range map[string]map[string]string{"index": indexArchive(t), "classic": classicArchive(t)} {
		out := filepath.Join(t.TempDir(), "image.tar")
		id, err := onePlatform(writeArchive(t, archive), out)
		if err != nil || id != "sha256:"+sum(testConfig) {
			t.Errorf("%s: expected the digest of the configuration, found %q, %v", name, id, err)
		}
		names := filesIn(t, out)
		if slices.Contains(names, "index.json") || slices.Contains(names, "oci-layout") || !slices.Contains(names, "manifest.json") {
			t.Errorf("%s: expected manifest.json and no index, found %q", name, names)
		}
	}
}

func TestArchiveThatLacksContentIsRefused(t *testing.T) {
	partial := indexArchive(t)
	delete(partial, blob(testLayer))
	noManifest := indexArchive(t)
	delete(noManifest, "manifest.json")
	for want, archive := range map[string]map[string]string{blob(testLayer): partial, "manifest.json": noManifest} {
		if _, err := onePlatform(writeArchive(t, archive), filepath.Join(t.TempDir(), "image.tar")); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("expected an error that names %s, found %v", want, err)
		}
	}
}

// A node that has the image is left alone whatever the engine calls it: containerd's store by the digest of the index, podman without the
// kind of the digest.
func TestImageIsLoadedOnce(t *testing.T) {
	dir := t.TempDir()
	saved := writeArchive(t, indexArchive(t))
	for name, engineID := range map[string]string{"containerd": "sha256:" + sum("index"), "docker": "sha256:" + sum(testConfig), "podman": sum(testConfig)} {
		for has, loads := range map[string]int{"sha256:" + sum(testConfig): 0, "sha256:" + sum("other"): 1} {
			loaded := filepath.Join(dir, name+has)
			fakeDocker(t, `case "$*" in
ps*) echo node ;;
inspect*) echo worker ;;
*" crictl inspecti "*) echo '{"status":{"id":"`+has+`"}}' ;;
*" containerd config dump") printf 'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\nsnapshotter = "s"\n' ;;
*" images import "*) cat >/dev/null; echo >>'`+loaded+`' ;;
"image inspect "*) echo `+engineID+` ;;
save*) cp '`+saved+`' "$3" ;;
*) exit 1 ;;
esac`)
			if err := testCluster(t).loadImage(t.Context(), "nginx:1"); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(loaded)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			if len(text) != loads {
				t.Errorf("%s, node has %s: expected %d imports, found %d", name, has, loads, len(text))
			}
		}
	}
}
