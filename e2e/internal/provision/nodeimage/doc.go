// Package nodeimage decides which kind node image and which workload images the project's clusters run, and builds them where no registry
// has them.
//
// An image that is named is used as it is. Otherwise kind's own default image is used where the engine has it or can pull it. Otherwise an
// image is built here, from Go modules and Debian packages: its tag holds a digest of all inputs, and each step of the build is cached
// under the digest of that step's inputs, so that only what has changed is built again.
//
// It stands on packages engine, host and imagelayer. It creates no cluster and knows nothing of the suite's specs.
package nodeimage
