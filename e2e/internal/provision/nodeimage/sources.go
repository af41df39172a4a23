package nodeimage

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
)

// sources are the project's own files that go into a node image, carried along so that their digest is known without a look at the
// source tree, and so that they can be built wherever this package runs.
//
//go:embed _kubernetes/main.go _kubernetes/commands.go _kubernetes/commands_v1.33.go
//go:embed nodevolumes/main.go nodevolumes/provider.go
//go:embed noderuntime/main.go
//go:embed podnet/main.go podnet/plan.go podnet/conflist.go podnet/host.go
//go:embed pause/main.go
//go:embed files
var sources embed.FS

// digestOf digests the names and contents of all files below a folder.
func digestOf(files fs.FS, dir string) string {
	hash := sha256.New()
	err := fs.WalkDir(files, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		fmt.Fprintf(hash, "%s %d\n%s\n", name, len(content), content)
		return err
	})
	if err != nil {
		// Embedded files cannot fail to be read; a folder that is not embedded is a mistake in this package.
		panic(err)
	}
	return hex.EncodeToString(hash.Sum(nil))
}
