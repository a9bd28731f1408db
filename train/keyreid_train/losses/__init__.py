"""What training minimises (method section 4); each loss is a plain function of features and labels."""
