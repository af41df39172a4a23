// Package imagelayer makes image layers of single files, and images of layers, without a container engine and without a registry. It
// stands on go-containerregistry alone; which files go into an image is the business of its callers.
package imagelayer
