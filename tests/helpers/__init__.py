"""What tests share: small networks, bundles and data sets, and machines that are not there."""
