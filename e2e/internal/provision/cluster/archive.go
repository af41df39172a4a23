package cluster

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
)

// onePlatform copies the archive that an engine saved an image into, without what speaks of other platforms, and returns the image's ID: the
// digest of its configuration, which the nodes know it by whatever the engine's image store calls it.
//
// An engine with containerd's image store saves the whole index of an image and the content of one platform. kind has containerd import
// every platform that an index names, which fails for content that is not there. Every engine adds manifest.json, which names the files of
// its own platform alone, and containerd goes by that where an archive holds no index.
func onePlatform(saved, out string) (id string, err error) {
	from, err := os.Open(saved)
	if err != nil {
		return "", err
	}
	defer from.Close()
	needed, config, err := filesOfImage(from)
	if err != nil {
		return "", err
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	to, err := os.Create(out)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	writer := tar.NewWriter(to)
	err = eachFile(from, func(header *tar.Header, content io.Reader) error {
		name := path.Clean(header.Name)
		if name == "oci-layout" || name == "index.json" {
			return nil
		}
		needed = slices.DeleteFunc(needed, func(n string) bool { return n == name })
		if err := writer.WriteHeader(header); err != nil {
			return err
		}
		if name != config {
			_, err := io.Copy(writer, content)
			return err
		}
		sum := sha256.New()
		_, err := io.Copy(io.MultiWriter(writer, sum), content)
		id = "sha256:" + hex.EncodeToString(sum.Sum(nil))
		return err
	})
	if err == nil && len(needed) > 0 {
		err = fmt.Errorf("the archive of the image lacks %q, which its manifest names: the engine holds a part of the image; pull it anew", needed)
	}
	return id, errors.Join(err, writer.Close())
}

// filesOfImage lists the files that make up the one image of an archive, by its manifest.json, and which of them is its configuration.
func filesOfImage(archive io.Reader) (files []string, config string, err error) {
	var images []struct {
		Config string
		Layers []string
	}
	err = eachFile(archive, func(header *tar.Header, content io.Reader) error {
		if path.Clean(header.Name) != "manifest.json" {
			return nil
		}
		return json.NewDecoder(content).Decode(&images)
	})
	if err != nil {
		return nil, "", err
	}
	if len(images) != 1 {
		return nil, "", fmt.Errorf("expected one image in manifest.json of the archive that the engine saved, found %d", len(images))
	}
	config = path.Clean(images[0].Config)
	files = []string{config}
	for _, layer := range images[0].Layers {
		files = append(files, path.Clean(layer))
	}
	return files, config, nil
}

// eachFile calls do for each entry of a tar archive.
func eachFile(archive io.Reader, do func(*tar.Header, io.Reader) error) error {
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the archive that the engine saved: %w", err)
		}
		if err := do(header, reader); err != nil {
			return err
		}
	}
}
