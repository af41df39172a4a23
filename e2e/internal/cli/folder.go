package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// SettingFile is a file of a settings folder, and the flag that takes its path.
type SettingFile struct{ Name, Flag string }

// ReadFolder gives flags the paths of the files that are in a folder, where neither the command line nor a variable of the environment has given one: a
// volume of a pod holds a file, or not, and its manifest cannot say which. It returns what was taken, as name=path. A folder that does not exist is
// empty; a file that is none of those is an error, since it is a mistyped one.
func (f Flags) ReadFolder(dir string, files []SettingFile) ([]string, error) {
	found, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	flags := map[string]string{}
	for _, file := range files {
		names, flags[file.Name] = append(names, file.Name), file.Flag
	}
	var taken []string
	for _, entry := range found {
		name := entry.Name()
		// The kubelet keeps the files of a volume in folders that begin with two dots, and links to them.
		if strings.HasPrefix(name, "..") {
			continue
		}
		flag := f.set.Lookup(flags[name])
		if flag == nil {
			return nil, fmt.Errorf("%s: expected no files but %s, found %s", dir, strings.Join(names, ", "), name)
		}
		if f.isSet(flag) {
			continue
		}
		path := filepath.Join(dir, name)
		if err := f.set.Set(flag.Name, path); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		taken = append(taken, flag.Name+"="+path)
	}
	return taken, nil
}
